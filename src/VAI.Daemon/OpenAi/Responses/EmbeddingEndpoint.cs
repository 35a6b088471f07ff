using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VAI.Ai;
using VAI.Daemon.OpenAi.Requests;
using VAI.Residency;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary><c>/v1/embeddings</c>.</summary>
internal sealed class EmbeddingEndpoint(IVai vai, OpenAiOptions options)
{
    public async Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        EmbeddingRequest request = await RequestBody.ReadAsync(http, options, EmbeddingRequest.Read).ConfigureAwait(false);
        IModelContext model = vai.Select(request.Model);
        EmbeddingBatch.Check(model);
        int length = model.Info.EmbeddingLength;
        if (request.Dimensions is { } dimensions && dimensions != length)
            throw ApiError.Invalid("dimensions", $"'dimensions' is {dimensions}; the embeddings of '{model.Name}' have {length}. Leave it out.");
        foreach (Prompt input in request.Inputs)
        {
            if (input.Tokens is { } ids && ids.Any(t => t >= model.Info.VocabularySize))
                throw ApiError.Invalid("input", $"'input' holds a token that '{model.Name}' has not: ids are 0 to {model.Info.VocabularySize - 1}.");
        }

        (ReadOnlyMemory<float>[] vectors, long tokens) = await EmbeddingBatch.RunAsync(
            model, [.. request.Inputs.Select(i => new EmbeddingInput(i.Text, i.Tokens))], cancellationToken).ConfigureAwait(false);
        await Sending.JsonAsync(http, options.SlowReaderTimeout, w => Write(w, model.Name, vectors, request.Base64, tokens)).ConfigureAwait(false);
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
