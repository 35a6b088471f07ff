using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Access;
using VAI.Daemon.Metrics;
using VAI.Daemon.OpenAi.Responses;
using VAI.Daemon.Streaming;

namespace VAI.Daemon.OpenAi;

/// <summary>
/// OpenAI's HTTP API over an <see cref="IVai"/>: models, chat, completions and embeddings under <c>/v1</c>; and <c>/health</c>,
/// <c>/metrics</c> and <c>/openapi.json</c>.
/// </summary>
internal static partial class OpenAiApi
{
    // What a request counts as whose client went away, as nginx has it.
    private const int ClientGone = 499;

    /// <summary>Maps the routes. Every error is OpenAI's envelope; nothing is loaded or unloaded.</summary>
    public static void MapOpenAi(this IEndpointRouteBuilder routes, IVai vai, OpenAiOptions options)
    {
        long started = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var generation = new GenerationEndpoint(vai, options);
        var embedding = new EmbeddingEndpoint(vai, options);
        var templates = new TemplateApi(vai, options);
        routes.MapPost("/v1/chat/completions", Guard("/v1/chat/completions", generation.ChatAsync));
        routes.MapPost("/v1/completions", Guard("/v1/completions", generation.CompleteAsync));
        routes.MapPost("/v1/embeddings", Guard("/v1/embeddings", embedding.HandleAsync));
        routes.MapPost("/apply-template", Guard("/apply-template", templates.ApplyAsync));
        routes.MapPost("/tokenize", Guard("/tokenize", templates.TokenizeAsync));
        routes.MapPost("/detokenize", Guard("/detokenize", templates.DetokenizeAsync));
        routes.MapGet("/v1/models", Guard("/v1/models", (http, _) => Sending.JsonAsync(
            http, options.SlowReaderTimeout, w => WriteModels(w, vai.Models.Where(m => !options.Leaves(m.Name)), started))));
        routes.MapGet("/v1/models/{**id}", Guard("/v1/models/{id}", (http, _) =>
        {
            // A slash in a name may come as it is or escaped; routing leaves only the latter as it is.
            string name = ((string?)http.Request.RouteValues["id"] ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
            IModelContext model = vai.Select(name);
            return Sending.JsonAsync(http, options.SlowReaderTimeout, w => WriteModel(w, model, started));
        }));
        routes.Map("/v1/{**rest}", Guard("/v1", (http, _) => throw UnknownUrl.Of(http.Request)));
        routes.MapFallback("{**rest}", Guard("/", (http, _) => throw UnknownUrl.Of(http.Request)));
        routes.MapGet("/health", (RequestDelegate)(http => HealthAsync(http, options)));
        routes.MapGet("/openapi.json", (RequestDelegate)DocumentAsync);
        routes.MapMetrics(options.OtherMetrics);

        RequestDelegate Guard(string route, Func<HttpContext, CancellationToken, Task> handler) => http => GuardAsync(http, route, options, handler);
    }

    private static async Task GuardAsync(HttpContext http, string route, OpenAiOptions options, Func<HttpContext, CancellationToken, Task> handler)
    {
        long start = Stopwatch.GetTimestamp();
        DaemonMeter.Started(route);
        int status = ClientGone;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, options.Ending);
        try
        {
            await handler(http, either.Token).ConfigureAwait(false);
            status = http.Response.StatusCode;
        }
        catch (Exception e)
        {
            status = await FailAsync(http, e, options).ConfigureAwait(false);
        }
        finally
        {
            DaemonMeter.Ended(route, status, start);
        }
    }

    /// <summary>Says what went wrong, as far as there is somebody to tell.</summary>
    /// <returns>The status that it counts as.</returns>
    private static async Task<int> FailAsync(HttpContext http, Exception e, OpenAiOptions options)
    {
        bool ending = e is OperationCanceledException && options.Ending.IsCancellationRequested;
        ApiError error = ending ? ApiError.Stopping(e) : ApiError.From(e);
        if (e is VaiException)
            error = error.Saying(ServerPaths.Shown(http, error.Message));
        if (http.RequestAborted.IsCancellationRequested || (e is OperationCanceledException && !ending && http.Response.HasStarted))
        {
            // The client is gone, or reads too slowly.
            if (e is not OperationCanceledException)
                Log(http, error);
            http.Abort();
            return ClientGone;
        }

        Log(http, error);
        if (!http.Response.HasStarted)
        {
            await error.WriteAsync(http).ConfigureAwait(false);
        }
        else if (StreamPatience.IsOpen(http))
        {
            try
            {
                using var stream = new EventStream(http, options.SlowReaderTimeout);
                stream.Start();
                stream.Error(error);
                await stream.FlushAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                http.Abort();
            }
        }
        else
        {
            http.Abort();
        }

        return error.Status;
    }

    private static void WriteModels(Utf8JsonWriter w, IEnumerable<IModelContext> models, long created)
    {
        w.WriteStartObject();
        w.WriteString("object"u8, "list"u8);
        w.WriteStartArray("data"u8);
        foreach (IModelContext model in models)
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
                    w.WriteString("reason"u8, ServerPaths.Shown(http, unavailable));
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

    /// <summary>Where to this API writes its log; null for nowhere.</summary>
    public static ILogger? LogOf(HttpContext http) =>
        http.RequestServices?.GetService<ILoggerFactory>()?.CreateLogger("VAI.Daemon.OpenAi");

    private static void Log(HttpContext http, ApiError error)
    {
        if (error.Status < StatusCodes.Status500InternalServerError || LogOf(http) is not { } log)
            return;

        // Why nothing can be served stands in the log already: each request that comes meanwhile is a line, no trace.
        if (error.Status == StatusCodes.Status503ServiceUnavailable)
            RequestUnserved(log, http.Request.Method, http.Request.Path, error.Status, error.Message);
        else
            RequestFailed(log, error.InnerException ?? error, http.Request.Method, http.Request.Path, error.Status);
    }

    [LoggerMessage(EventId = 332, Level = LogLevel.Warning, Message = "{Method} {Path} failed with {Status}: {Reason}")]
    private static partial void RequestUnserved(ILogger log, string method, string path, int status, string reason);

    [LoggerMessage(EventId = 330, Level = LogLevel.Error, Message = "{Method} {Path} failed with {Status}.")]
    private static partial void RequestFailed(ILogger log, Exception error, string method, string path, int status);
}
