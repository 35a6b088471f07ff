using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Streaming;

/// <summary>Whether a request that waits in the queue asks for a stream.</summary>
internal static class StreamRequest
{
    // As many bodies as requests may wait are held at once. The reader of a longer one is told nothing before it is let in.
    private const int MostBytes = 1 << 20;

    /// <summary>Looks into the body, which can be read from its beginning afterwards.</summary>
    public static async Task<bool> IsWantedAsync(HttpContext http)
    {
        HttpRequest request = http.Request;
        if (request.Path.StartsWithSegments("/vai"))
            return request.Path.Value!.EndsWith("/infer", StringComparison.OrdinalIgnoreCase);
        if (request.Body is HeldBodies.Body held)
            return request.Path.StartsWithSegments("/v1") && SaysStream(held.Bytes);
        if (!request.Path.StartsWithSegments("/v1") || !request.HasJsonContentType() || request.ContentLength is not (> 0 and <= MostBytes))
            return false;
        byte[] body = new byte[request.ContentLength.Value];
        try
        {
            await request.Body.ReadExactlyAsync(body, http.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Whoever reads on meets the same.
            return false;
        }

        request.Body = new MemoryStream(body, writable: false);
        return SaysStream(body);
    }

    private static bool SaysStream(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            bool stream = false;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
                    continue;
                bool meant = reader.ValueTextEquals("stream"u8);
                reader.Read();
                if (meant)
                    stream = reader.TokenType == JsonTokenType.True;
                reader.Skip();
            }

            return stream;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a name with half of a UTF-16 pair: it is refused when it is read.
            return false;
        }
    }
}
