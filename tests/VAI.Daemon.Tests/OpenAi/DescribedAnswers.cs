using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using VAI.Daemon.OpenAi;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Holds what the API answers to what its document says of it.</summary>
internal static class DescribedAnswers
{
    private static readonly Lazy<string> Schemas = new(Read);
    private static readonly ConcurrentDictionary<string, JsonSchema> Known = [];
    private static readonly EvaluationOptions Listed = new() { OutputFormat = OutputFormat.List };

    /// <param name="answer">An answer, or an event of a stream.</param>
    /// <param name="path">What was asked.</param>
    /// <param name="streams">Whether it is an event.</param>
    public static void Check(JsonElement answer, string path, bool streams = false)
    {
        string? schema = path switch
        {
            "/v1/chat/completions" => streams ? "ChatCompletionChunk" : "ChatCompletion",
            "/v1/completions" => "Completion",
            "/v1/embeddings" => "EmbeddingList",
            _ => null,
        };
        if (schema is null)
            return;
        EvaluationResults result = Known.GetOrAdd(schema, Make).Evaluate(answer, Listed);
        Assert.True(
            result.IsValid, $"{schema}: {answer.GetRawText()}\n" + string.Join('\n', (result.Details ?? []).Where(d => d.Errors is not null).Select(
                d => $"{d.InstanceLocation} {string.Join("; ", d.Errors!.Values)}")));
    }

    private static JsonSchema Make(string name) => JsonSchema.FromText($"{{\"$ref\":\"#/$defs/{name}\",\"$defs\":{Schemas.Value}}}");

    private static string Read()
    {
        using Stream document = typeof(OpenAiOptions).Assembly.GetManifestResourceStream("openapi.json")!;
        return JsonNode.Parse(document)!["components"]!["schemas"]!.ToJsonString().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal);
    }
}
