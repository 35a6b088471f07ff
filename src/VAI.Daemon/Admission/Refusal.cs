using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using VAI.Remote.Wire;

namespace VAI.Daemon.Admission;

/// <summary>An answer to a request that is not let in, in the envelope of the API that was asked.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Kind">The <see cref="WireError.Kind"/> of VAI's API.</param>
/// <param name="Code">Its code.</param>
/// <param name="Type">The type of an OpenAI error.</param>
/// <param name="OpenAiCode">Its code.</param>
/// <param name="Message">For people.</param>
internal sealed record Refusal(int Status, string Kind, VaiError Code, string Type, string OpenAiCode, string Message)
{
    public static Refusal Unauthorized { get; } = new(
        StatusCodes.Status401Unauthorized, "usage", VaiError.InvalidOption, "invalid_request_error", "invalid_api_key",
        "The API key is missing or is none of this daemon's. Send one of its key file in the header 'Authorization: Bearer KEY'.");

    public static Refusal Forbidden(string code, string message) => new(
        StatusCodes.Status403Forbidden, "usage", VaiError.NotAllowed, "invalid_request_error", code, message);

    public static Refusal NoVai { get; } = Forbidden(
        "not_allowed",
        "VAI's own API is not for this client over TCP. Use the daemon's Unix socket, or start it with --http-admin and send a key of role admin.");

    public static Refusal NotJson { get; } = new(
        StatusCodes.Status415UnsupportedMediaType, "usage", VaiError.InvalidOption, "invalid_request_error", "unsupported_media_type",
        "The body must be JSON: send Content-Type: application/json.");

    public static Refusal ClientFull { get; } = new(
        StatusCodes.Status429TooManyRequests, "engine", VaiError.Overloaded, "requests", "rate_limit_exceeded",
        "This client has as many requests waiting as one client may. Wait for some, and try again after the time in Retry-After.");

    public static Refusal QueueFull { get; } = ClientFull with
    {
        Message = "The daemon has as many requests waiting as it takes. Try again after the time in Retry-After.",
    };

    public static Refusal Draining { get; } = new(
        StatusCodes.Status503ServiceUnavailable, "engine", VaiError.DaemonUnavailable, "server_error", "shutting_down",
        "The daemon is stopping and takes no new requests. Try again once it is started again.");

    public static Refusal Unreadable(int status, string message) => new(
        status, "usage", VaiError.InvalidOption, "invalid_request_error", "bad_request", message);

    public static Refusal TooLarge(long limit) => new(
        StatusCodes.Status413PayloadTooLarge, "usage", VaiError.InvalidOption, "invalid_request_error", "request_too_large",
        string.Create(CultureInfo.InvariantCulture, $"The request's body is larger than the {limit:N0} bytes that this path takes. Send less."));

    /// <summary>Writes it; what is left of the request's body is not read.</summary>
    /// <param name="context">The request.</param>
    /// <param name="retryAfter">Seconds after which asking again makes sense; null for never.</param>
    public async Task WriteAsync(HttpContext context, int? retryAfter = null)
    {
        AdmissionTelemetry.Refused(Status);
        HttpResponse response = context.Response;
        bool ours = context.Request.Path.StartsWithSegments("/vai");
        if (response.HasStarted)
        {
            await WriteEventAsync(context, ours);
            return;
        }

        response.StatusCode = Status;
        response.ContentType = "application/json";
        if (retryAfter is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (Status == StatusCodes.Status401Unauthorized)
            response.Headers.WWWAuthenticate = "Bearer";
        byte[] body = ours
            ? JsonSerializer.SerializeToUtf8Bytes(Error, WireJson.Default.WireError)
            : JsonSerializer.SerializeToUtf8Bytes(
                Envelope, RefusalJson.Default.RefusalEnvelope);
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private WireError Error => new(Kind, Code.ToString(), Message);

    private RefusalEnvelope Envelope => new(new RefusalBody(Message, Type, null, OpenAiCode));

    // A stream's reader was told to wait.
    private Task WriteEventAsync(HttpContext context, bool ours)
    {
        byte[] document = ours
            ? JsonSerializer.SerializeToUtf8Bytes(new WireUpdate(Error: Error), WireJson.Default.WireUpdate)
            : JsonSerializer.SerializeToUtf8Bytes(Envelope, RefusalJson.Default.RefusalEnvelope);
        return context.Response.Body.WriteAsync(
            (byte[])[.. ours ? ""u8 : "event: error\n"u8, .. "data: "u8, .. document, .. "\n\n"u8], context.RequestAborted).AsTask();
    }
}

/// <summary>OpenAI's error envelope.</summary>
internal sealed record RefusalEnvelope(RefusalBody Error);

/// <summary>What is in it.</summary>
internal sealed record RefusalBody(string Message, string Type, string? Param, string Code);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RefusalEnvelope))]
internal sealed partial class RefusalJson : JsonSerializerContext;
