using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using VAI.Daemon.Admission;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>Reads a request's JSON document: bounded in length and depth, and UTF-8 throughout.</summary>
internal static class RequestBody
{
    // A schema has up to 64 levels, and stands some deep in a request.
    private const int MaxDepth = 80;
    private const int FirstBuffer = 1 << 20;

    // What is read and thrown away of a body that is too long, so that its sender comes to read the answer.
    private const long MaxDiscarded = 1L << 28;

    /// <summary>Reads the document and makes a request of it; the document is gone then. What is ignored of it is told in a header.</summary>
    /// <exception cref="ApiError">400, 413 or 415.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext http, OpenAiOptions options, Func<JsonElement, IgnoredFields, T> read)
    {
        var ignored = new IgnoredFields(options.Strict());
        T request = await ReadAsync(http, options.MaxRequestBytes, root => read(root, ignored)).ConfigureAwait(false);
        if (ignored.Names.Count > 0)
        {
            Tell(http, ignored);
            options.Ignored.Say(OpenAiApi.LogOf(http), ignored);
        }

        return request;
    }

    private static void Tell(HttpContext http, IgnoredFields ignored)
    {
        if (http.Response.HasStarted)
            http.Items[IgnoredFields.Header] = ignored;
        else
            http.Response.Headers[IgnoredFields.Header] = ignored.ToString();
    }

    private static async Task<T> ReadAsync<T>(HttpContext http, int limit, Func<JsonElement, T> read)
    {
        // Also what keeps a web page from sending a request here: a browser asks first before it sends this type.
        if (!http.Request.HasJsonContentType())
        {
            throw new ApiError(
                StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", "The body must be JSON: send Content-Type: application/json.");
        }

        if (http.Request.Body is not HeldBodies.Body held)
            return Read(await BytesAsync(http, limit).ConfigureAwait(false), read);
        return held.Bytes.Length <= limit
            ? await held.TakeApartAsync(body => Read(body, read), http.RequestAborted).ConfigureAwait(false)
            : throw TooLong(limit);
    }

    private static T Read<T>(ReadOnlyMemory<byte> body, Func<JsonElement, T> read)
    {
        if (!Utf8.IsValid(body.Span))
            throw BadJson("The body is not UTF-8.");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(body, options);

            // Whoever keeps a part of it reads that later.
            if (body.Span.IndexOf("\\ud"u8) >= 0 || body.Span.IndexOf("\\uD"u8) >= 0)
                ReadTexts(document.RootElement);
            return read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw BadJson($"The body is no JSON that is read here: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // How a text that is half of a UTF-16 pair is found out: when it is read.
            throw BadJson("A text of the body is no valid UTF-16: half of a pair is escaped in it.");
        }
    }

    private static void ReadTexts(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                    ReadTexts(item);
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty member in element.EnumerateObject())
                {
                    _ = member.Name;
                    ReadTexts(member.Value);
                }

                break;
        }
    }

    private static async Task<ReadOnlyMemory<byte>> BytesAsync(HttpContext http, int limit)
    {
        // The limit is this one: the server's own would close the connection on a sender that has not read the answer.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = null;
        long announced = http.Request.ContentLength ?? 0;
        if (announced > limit)
            throw await TooLongAsync(http, limit).ConfigureAwait(false);

        // A length that is only announced buys no memory.
        byte[] buffer = new byte[Math.Min(announced == 0 ? 4096 : announced + 1, FirstBuffer)];
        int count = 0;
        while (true)
        {
            if (count == buffer.Length)
                Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, limit + 1L));
            int read = await http.Request.Body.ReadAsync(buffer.AsMemory(count), http.RequestAborted).ConfigureAwait(false);
            if (read == 0)
                return buffer.AsMemory(0, count);
            count += read;
            if (count > limit)
                throw await TooLongAsync(http, limit).ConfigureAwait(false);
        }
    }

    private static async Task<ApiError> TooLongAsync(HttpContext http, int limit)
    {
        byte[] buffer = new byte[1 << 16];
        long discarded = 0;
        int read;
        do
        {
            read = await http.Request.Body.ReadAsync(buffer, http.RequestAborted).ConfigureAwait(false);
            discarded += read;
        }
        while (read > 0 && discarded < MaxDiscarded);

        return TooLong(limit);
    }

    private static ApiError TooLong(int limit) => new(
        StatusCodes.Status413PayloadTooLarge, "request_too_large", $"The body is longer than {limit:N0} bytes. Send less.");

    private static ApiError BadJson(string message) => new(StatusCodes.Status400BadRequest, "invalid_json", message);
}
