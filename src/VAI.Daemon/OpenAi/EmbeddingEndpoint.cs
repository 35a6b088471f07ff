using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.OpenAi;

/// <summary><c>/v1/embeddings</c>.</summary>
internal sealed class EmbeddingEndpoint(IVai vai, OpenAiOptions options)
{
    // The engine puts texts that wait together into one step.
    private const int AtOnce = 32;

    public async Task HandleAsync(HttpContext http)
    {
        EmbeddingRequest request = await RequestBody.ReadAsync(http, options.MaxRequestBytes, EmbeddingRequest.Read).ConfigureAwait(false);
        IModelContext model = vai.Select(request.Model);
        if (!model.Info.IsEmbedding)
            throw new VaiUsageException(VaiError.NotSupported, $"'{model.Name}' generates text and makes no embeddings. Name an embedding model.");
        int length = model.Info.EmbeddingLength;
        if (request.Dimensions is { } dimensions && dimensions != length)
            throw ApiError.Invalid("dimensions", $"'dimensions' is {dimensions}; the embeddings of '{model.Name}' have {length}. Leave it out.");
        (string[] texts, long tokens) = await TextsAsync(model, request.Inputs, http.RequestAborted).ConfigureAwait(false);

        var vectors = new ReadOnlyMemory<float>[texts.Length];
        await Parallel.ForAsync(
            0, texts.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = http.RequestAborted },
            async (i, cancellation) => vectors[i] = await model.EmbedAsync(texts[i], cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        await Sending.JsonAsync(http, options.SlowReaderTimeout, w => Write(w, model.Name, vectors, request.Base64, tokens)).ConfigureAwait(false);
    }

    // All are counted before the first is computed.
    private static async Task<(string[] Texts, long Tokens)> TextsAsync(
        IModelContext model, IReadOnlyList<Prompt> inputs, CancellationToken cancellationToken)
    {
        string[] texts = new string[inputs.Count];
        long sum = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            if (inputs[i].Tokens is { } ids && ids.Any(t => t >= model.Info.VocabularySize))
                throw ApiError.Invalid("input", $"'input' holds a token that '{model.Name}' has not: ids are 0 to {model.Info.VocabularySize - 1}.");
            texts[i] = inputs[i].Text
                ?? await model.DetokenizeAsync(inputs[i].Tokens!, cancellationToken: cancellationToken).ConfigureAwait(false);
            int count = (await model.TokenizeAsync(texts[i], addSpecial: true, parseSpecial: false, cancellationToken).ConfigureAwait(false)).Count;
            if (count > model.ContextLength)
            {
                throw new VaiUsageException(
                    VaiError.ContextFull, $"A text of 'input' has {count} tokens; '{model.Name}' embeds 1 to {model.ContextLength}. Split it.");
            }

            sum += count;
        }

        return (texts, sum);
    }

    private static void Write(Utf8JsonWriter w, string model, ReadOnlyMemory<float>[] vectors, bool base64, long tokens)
    {
        w.WriteStartObject();
        w.WriteString("object"u8, "list"u8);
        w.WriteStartArray("data"u8);
        for (int i = 0; i < vectors.Length; i++)
        {
            w.WriteStartObject();
            w.WriteString("object"u8, "embedding"u8);
            w.WriteNumber("index"u8, i);
            if (base64)
            {
                // Little-endian floats, as this machine has them: VAI runs on no other.
                w.WriteBase64String("embedding"u8, MemoryMarshal.AsBytes(vectors[i].Span));
            }
            else
            {
                w.WriteStartArray("embedding"u8);
                foreach (float value in vectors[i].Span)
                    w.WriteNumberValue(value);
                w.WriteEndArray();
            }

            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteString("model"u8, model);
        w.WriteStartObject("usage"u8);
        w.WriteNumber("prompt_tokens"u8, tokens);
        w.WriteNumber("total_tokens"u8, tokens);
        w.WriteEndObject();
        w.WriteEndObject();
    }
}
