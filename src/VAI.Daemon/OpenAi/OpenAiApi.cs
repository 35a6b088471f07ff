using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Metrics;

namespace VAI.Daemon.OpenAi;

/// <summary>
/// OpenAI's HTTP API over an <see cref="IVai"/>: models, chat, completions and embeddings under <c>/v1</c>; and <c>/health</c>,
/// <c>/metrics</c> and <c>/openapi.json</c>.
/// </summary>
internal static partial class OpenAiApi
{
    // What a request counts as whose client went away, as nginx has it.
    private const int ClientGone = 499;

    private static readonly object FailedKey = new();

    /// <summary>Maps the routes. Every error is OpenAI's envelope; nothing is loaded or unloaded.</summary>
    public static void MapOpenAi(this IEndpointRouteBuilder routes, IVai vai, OpenAiOptions options)
    {
        long started = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var generation = new GenerationEndpoint(vai, options);
        var embedding = new EmbeddingEndpoint(vai, options);
        routes.MapPost("/v1/chat/completions", Guard("/v1/chat/completions", generation.ChatAsync));
        routes.MapPost("/v1/completions", Guard("/v1/completions", generation.CompleteAsync));
        routes.MapPost("/v1/embeddings", Guard("/v1/embeddings", embedding.HandleAsync));
        routes.MapGet("/v1/models", Guard("/v1/models", http => Sending.JsonAsync(
            http, options.SlowReaderTimeout, w => WriteModels(w, vai, started))));
        routes.MapGet("/v1/models/{**id}", Guard("/v1/models/{id}", http =>
        {
            // A slash in a name may come as it is or escaped; routing leaves only the latter as it is.
            string name = ((string?)http.Request.RouteValues["id"] ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
            IModelContext model = vai.Select(name);
            return Sending.JsonAsync(http, options.SlowReaderTimeout, w => WriteModel(w, model, started));
        }));
        routes.Map("/v1/{**rest}", Guard("/v1", http => throw new ApiError(
            StatusCodes.Status404NotFound, "unknown_url", $"Unknown request URL: {http.Request.Method} {http.Request.Path}. See /openapi.json.")));
        routes.MapGet("/health", (RequestDelegate)(http => HealthAsync(http, options)));
        routes.MapGet("/openapi.json", (RequestDelegate)DocumentAsync);
        routes.MapMetrics(options.OtherMetrics);
    }

    /// <summary>Notes the error of a request whose status is out already.</summary>
    public static void Failed(HttpContext http, ApiError error)
    {
        http.Items[FailedKey] = error.Status;
        Log(http, error);
    }

    private static RequestDelegate Guard(string route, Func<HttpContext, Task> handler) => async http =>
    {
        long start = Stopwatch.GetTimestamp();
        DaemonMeter.Started(route);
        int status = ClientGone;
        try
        {
            await handler(http).ConfigureAwait(false);
            status = http.Items[FailedKey] as int? ?? http.Response.StatusCode;
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested || http.Response.HasStarted)
        {
            // The client is gone, or reads too slowly: there is nobody to tell.
            http.Abort();
        }
        catch (Exception e) when (!http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            var error = ApiError.From(e);
            status = error.Status;
            Log(http, error);
            await error.WriteAsync(http).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log(http, ApiError.From(e));
            http.Abort();
        }
        finally
        {
            DaemonMeter.Ended(route, status, start);
        }
    };

    private static void WriteModels(Utf8JsonWriter w, IVai vai, long created)
    {
        w.WriteStartObject();
        w.WriteString("object"u8, "list"u8);
        w.WriteStartArray("data"u8);
        foreach (IModelContext model in vai.Models)
            WriteModel(w, model, created);
        w.WriteEndArray();
        w.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter w, IModelContext model, long created)
    {
        w.WriteStartObject();
        w.WriteString("id"u8, model.Name);
        w.WriteString("object"u8, "model"u8);
        w.WriteNumber("created"u8, created);
        w.WriteString("owned_by"u8, "vai"u8);
        w.WriteEndObject();
    }

    private static Task HealthAsync(HttpContext http, OpenAiOptions options)
    {
        string? unavailable = options.Unavailable();
        bool ready = options.IsReady() && unavailable is null;
        if (!ready)
            http.Response.Headers.RetryAfter = "1";
        return Sending.JsonAsync(
            http,
            options.SlowReaderTimeout,
            w =>
            {
                w.WriteStartObject();
                w.WriteString("status"u8, ready ? "ok"u8 : unavailable is null ? "draining"u8 : "unavailable"u8);
                if (unavailable is not null)
                    w.WriteString("reason"u8, unavailable);
                w.WriteEndObject();
            },
            ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task DocumentAsync(HttpContext http)
    {
        http.Response.ContentType = Sending.Json;
        await using Stream document = typeof(OpenAiApi).Assembly.GetManifestResourceStream("openapi.json")!;
        await document.CopyToAsync(http.Response.Body, http.RequestAborted).ConfigureAwait(false);
    }

    private static void Log(HttpContext http, ApiError error)
    {
        if (error.Status >= StatusCodes.Status500InternalServerError)
        {
            ILogger? log = http.RequestServices?.GetService<ILoggerFactory>()?.CreateLogger("VAI.Daemon.OpenAi");
            if (log is not null)
                RequestFailed(log, error.InnerException ?? error, http.Request.Method, http.Request.Path, error.Status);
        }
    }

    [LoggerMessage(EventId = 330, Level = LogLevel.Error, Message = "{Method} {Path} failed with {Status}.")]
    private static partial void RequestFailed(ILogger log, Exception error, string method, string path, int status);
}
