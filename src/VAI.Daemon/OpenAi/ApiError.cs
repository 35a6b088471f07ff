using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.OpenAi.Responses;
using VAI.Native;

namespace VAI.Daemon.OpenAi;

/// <summary>What ends a request with an error, as OpenAI's API says it.</summary>
internal sealed class ApiError(
    int status, string code, string message, string? param = null, string type = ApiError.InvalidRequest, Exception? inner = null)
    : Exception(Excerpt.Of(message, ApiError.MostChars), inner)
{
    public const string InvalidRequest = "invalid_request_error";

    private const int MostChars = 900, MostParamChars = 200;

    private const string RateLimit = "rate_limit_error";
    private const string Server = "server_error";

    /// <summary>The HTTP status.</summary>
    public int Status => status;

    /// <summary>For programs.</summary>
    public string Code => code;

    /// <summary>The request's field that is at fault; null if it is none.</summary>
    public string? Param => Excerpt.Of(param, MostParamChars);

    /// <summary>The kind of error.</summary>
    public string Type => type;

    public static ApiError Invalid(string? param, string message) => new(StatusCodes.Status400BadRequest, "invalid_value", message, param);

    /// <summary>What ends a request that the daemon, which stops, does not wait for any longer.</summary>
    public static ApiError Stopping(Exception inner) => new(
        StatusCodes.Status503ServiceUnavailable, "shutting_down", "The daemon is stopping, and did not wait for the end of this. Send it again later.",
        null, Server, inner);

    /// <summary>Any exception of a handler as an error that may be shown: the messages of VAI's own family, and no others.</summary>
    public static ApiError From(Exception error) => error switch
    {
        ApiError e => e,
        VaiException e => From(e),
        BadHttpRequestException e => new ApiError(e.StatusCode, "bad_request", e.Message, inner: e),
        OperationCanceledException e => new ApiError(
            StatusCodes.Status503ServiceUnavailable, "cancelled", "The engine gave up the request. Send it again.", null, Server, e),
        ObjectDisposedException e => new ApiError(
            StatusCodes.Status503ServiceUnavailable, "shutting_down", "The model was unloaded, or the server stops. Try again later.", null, Server, e),
        _ => new ApiError(
            StatusCodes.Status500InternalServerError, "internal_error", "The server failed; its log says more.", null, Server, error),
    };

    /// <summary>The same in other words.</summary>
    public ApiError Saying(string words) => words == Message ? this : new ApiError(status, code, words, param, type, InnerException);

    /// <summary>Sends the error as the answer.</summary>
    public Task WriteAsync(HttpContext http)
    {
        HttpResponse response = http.Response;
        response.Clear();
        response.StatusCode = status;
        response.ContentType = Sending.Json;
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            response.Headers.RetryAfter = 1.ToString(CultureInfo.InvariantCulture);
        using var writer = new Utf8JsonWriter(response.BodyWriter, Sending.Options);
        Write(writer);
        writer.Flush();
        return response.BodyWriter.FlushAsync(http.RequestAborted).AsTask();
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("error"u8);
        writer.WriteString("message"u8, Message);
        writer.WriteString("type"u8, type);
        writer.WriteString("param"u8, Param);
        writer.WriteString("code"u8, code);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static ApiError From(VaiException e) => e.Code switch
    {
        VaiError.UnknownModel or VaiError.ModelNotLoaded =>
            new ApiError(StatusCodes.Status404NotFound, "model_not_found", e.Message, "model", InvalidRequest, e),
        VaiError.ContextFull =>
            new ApiError(StatusCodes.Status400BadRequest, "context_length_exceeded", e.Message, null, InvalidRequest, e),
        VaiError.ConversationRejected => new ApiError(StatusCodes.Status400BadRequest, "conversation_rejected", e.Message, "messages", InvalidRequest, e),
        VaiError.InvalidChatTemplate => new ApiError(StatusCodes.Status400BadRequest, "invalid_chat_template", e.Message, null, InvalidRequest, e),
        VaiError.InvalidConstraint => new ApiError(StatusCodes.Status400BadRequest, "invalid_value", e.Message, null, InvalidRequest, e),
        VaiError.InvalidOption => new ApiError(StatusCodes.Status400BadRequest, "invalid_value", e.Message, null, InvalidRequest, e),
        VaiError.SessionBusy or VaiError.ModelInUse => new ApiError(StatusCodes.Status409Conflict, "busy", e.Message, null, InvalidRequest, e),
        VaiError.NotSupported => new ApiError(StatusCodes.Status400BadRequest, "unsupported", e.Message, "model", InvalidRequest, e),
        VaiError.SramFull => new ApiError(StatusCodes.Status429TooManyRequests, "sram_full", e.Message, null, RateLimit, e),
        VaiError.Overloaded => new ApiError(StatusCodes.Status429TooManyRequests, "overloaded", e.Message, null, RateLimit, e),
        VaiError.ModelQuarantined =>
            new ApiError(StatusCodes.Status503ServiceUnavailable, "model_quarantined", e.Message, "model", Server, e),
        VaiError.RequestQuarantined => new ApiError(StatusCodes.Status422UnprocessableEntity, "request_quarantined", e.Message, null, InvalidRequest, e),
        VaiError.EngineLost => new ApiError(StatusCodes.Status503ServiceUnavailable, "engine_lost", e.Message, null, Server, e),
        VaiError.DaemonUnavailable => new ApiError(StatusCodes.Status503ServiceUnavailable, "engine_unavailable", e.Message, null, Server, e),
        VaiError.DeadlineExceeded => new ApiError(StatusCodes.Status504GatewayTimeout, "deadline_exceeded", e.Message, null, Server, e),
        _ when e is VaiUsageException => new ApiError(StatusCodes.Status400BadRequest, "bad_request", e.Message, null, InvalidRequest, e),
        _ => new ApiError(StatusCodes.Status500InternalServerError, "engine_error", e.Message, null, Server, e),
    };
}
