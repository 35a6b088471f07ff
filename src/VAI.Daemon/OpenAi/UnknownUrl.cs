using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.OpenAi;

/// <summary>What is said of an address that there is not: a base URL without <c>/v1</c>, or with it twice, is what clients are mostly given.</summary>
internal static class UnknownUrl
{
    private const int MostShown = 200;

    private static readonly string[] Known = ["/chat/completions", "/completions", "/embeddings", "/models"];

    public static ApiError Of(HttpRequest request)
    {
        string path = request.Path.Value ?? "/";
        string shown = path.Length <= MostShown ? path : path[..MostShown] + "...";
        string hint = Meant(path) is { } meant ? $"Did you mean {meant}?" : "See /openapi.json.";
        return new ApiError(StatusCodes.Status404NotFound, "unknown_url", $"Unknown request URL: {request.Method} {shown}. {hint}");
    }

    private static string? Meant(string path)
    {
        path = path.TrimEnd('/');
        foreach (string known in Known)
        {
            if (path.EndsWith(known, StringComparison.OrdinalIgnoreCase) && !path.Equals("/v1" + known, StringComparison.OrdinalIgnoreCase))
                return "/v1" + (path.EndsWith("/chat/completions", StringComparison.OrdinalIgnoreCase) ? "/chat/completions" : known);
        }

        return null;
    }
}
