using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Admission;

/// <summary>What kind of work a request is. Each kind has places of its own, so that none waits behind another.</summary>
internal enum WorkKind
{
    /// <summary>Reaches no engine, or only ends something there.</summary>
    None,

    /// <summary>Tokens are computed.</summary>
    Compute,

    /// <summary>Text is cut into tokens, or made of them.</summary>
    Text,

    /// <summary>A session is opened, copied or changed.</summary>
    Session,

    /// <summary>Files are read and written: loads, plans, saved sessions.</summary>
    Files,
}

/// <summary>What a request costs.</summary>
internal static class Work
{
    /// <summary>So many bytes of a body count as a place: about what takes the time of a short answer to compute.</summary>
    private const int BytesOfPlace = 64 << 10;

    /// <summary>
    /// The most that bytes count: however long it is, a prompt is computed in slices, beside others. Only what asks for many answers
    /// has the daemon to itself.
    /// </summary>
    private const int MostForBytes = 8;

    /// <summary>So many texts to embed count as a place: several go in one step.</summary>
    private const int TextsOfPlace = 32;

    public static WorkKind KindOf(HttpRequest request)
    {
        if (!HttpMethods.IsPost(request.Method))
            return WorkKind.None;
        if (request.Path.StartsWithSegments("/v1"))
            return WorkKind.Compute;
        if (!request.Path.StartsWithSegments("/vai"))
        {
            return request.Path.StartsWithSegments("/tokenize") || request.Path.StartsWithSegments("/detokenize") || request.Path.StartsWithSegments("/apply-template")
                ? WorkKind.Text : WorkKind.None;
        }

        ReadOnlySpan<char> path = (request.Path.Value ?? "").AsSpan().TrimEnd('/');
        Span<char> verb = stackalloc char[16];
        int length = path[(path.LastIndexOf('/') + 1)..].ToLowerInvariant(verb);
        return length < 0 ? WorkKind.Session : verb[..length] switch
        {
            "infer" or "rebuild" or "embed" => WorkKind.Compute,
            "tokenize" or "detokenize" or "chat" => WorkKind.Text,
            "load" or "plan" or "save" or "restore" => WorkKind.Files,
            _ => WorkKind.Session,
        };
    }

    /// <summary>Whether the body is a file, whose length says all and which is not held in memory.</summary>
    public static bool IsFile(HttpRequest request) => (request.Path.Value ?? "").TrimEnd('/').EndsWith("/restore", StringComparison.OrdinalIgnoreCase);

    /// <summary>How many places a request takes: sessions asked for, texts, bytes.</summary>
    /// <param name="request">The request.</param>
    /// <param name="body">Its body; empty if it is a file.</param>
    public static int CostOf(HttpRequest request, ReadOnlySpan<byte> body)
    {
        if (IsFile(request))
            return 1;
        string path = (request.Path.Value ?? "").TrimEnd('/');
        bool embeds = path.EndsWith("/embeddings", StringComparison.OrdinalIgnoreCase) || path.EndsWith("/embed", StringComparison.OrdinalIgnoreCase);
        long places = !embeds && !request.Path.StartsWithSegments("/v1") ? 1 : Places(body, embeds);
        return (int)Math.Min(int.MaxValue, places + Math.Min(MostForBytes, body.Length / BytesOfPlace));
    }

    // What is no such document costs as little as its refusal.
    private static long Places(ReadOnlySpan<byte> body, bool embeds)
    {
        long answers = 1, inputs = 1;
        try
        {
            var json = new Utf8JsonReader(body);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
                return 1;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool n = json.ValueTextEquals("n"u8);
                bool input = json.ValueTextEquals("prompt"u8) || json.ValueTextEquals("input"u8) || json.ValueTextEquals("inputs"u8);
                json.Read();
                if (n && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out int number))
                    answers = Math.Max(1, number);
                else if (input && json.TokenType == JsonTokenType.StartArray)
                    inputs = Math.Max(1, Count(ref json));
                else
                    json.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return 1;
        }

        return embeds ? 1 + ((inputs - 1) / TextsOfPlace) : answers * inputs;
    }

    // The tokens of one prompt are one prompt.
    private static long Count(ref Utf8JsonReader json)
    {
        long count = 0;
        bool tokens = false;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            tokens |= json.TokenType == JsonTokenType.Number;
            count++;
            json.Skip();
        }

        return tokens ? 1 : count;
    }
}
