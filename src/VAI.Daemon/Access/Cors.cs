using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace VAI.Daemon.Access;

/// <summary>What lets pages of named origins read answers: a browser asks for leave, and hides from others what they may have been sent.</summary>
internal sealed class Cors(IReadOnlyList<string> origins)
{
    private const string Exposed = "x-request-id, x-vai-ignored, retry-after, vai-instance, *";

    private readonly HashSet<string> _origins = new(origins.Select(o => o.TrimEnd('/')), StringComparer.OrdinalIgnoreCase);

    public bool Allows(string? origin) => !string.IsNullOrEmpty(origin) && _origins.Contains(origin);

    /// <summary>Has the answer say that its origin may read it; answers a question beforehand itself.</summary>
    /// <returns>Whether that was one.</returns>
    public bool Answers(HttpContext context)
    {
        if (_origins.Count == 0)
            return false;

        // Also of what has no origin: a cache must not give it to one that has.
        string? origin = context.Request.Headers.Origin;
        bool allowed = Allows(origin);
        context.Response.OnStarting(() =>
        {
            IHeaderDictionary headers = context.Response.Headers;
            headers.Append("Vary", "Origin");
            if (allowed)
            {
                headers.AccessControlAllowOrigin = origin;
                headers.AccessControlExposeHeaders = Exposed;
            }

            return Task.CompletedTask;
        });
        if (!allowed || !HttpMethods.IsOptions(context.Request.Method) || StringValues.IsNullOrEmpty(context.Request.Headers.AccessControlRequestMethod))
            return false;
        IHeaderDictionary answer = context.Response.Headers;
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        answer.AccessControlAllowMethods = "GET, POST, PUT, PATCH, DELETE";
        answer.AccessControlAllowHeaders = context.Request.Headers.AccessControlRequestHeaders;
        answer.AccessControlMaxAge = "600";
        answer.Append("Vary", "Access-Control-Request-Headers");

        // A page of the public web and a daemon of this machine's.
        if (context.Request.Headers["Access-Control-Request-Private-Network"] == "true")
            answer["Access-Control-Allow-Private-Network"] = "true";
        return true;
    }
}
