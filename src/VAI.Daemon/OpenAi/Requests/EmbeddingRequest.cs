using System.Text.Json;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary><c>POST /v1/embeddings</c>.</summary>
internal sealed record EmbeddingRequest(string Model, IReadOnlyList<Prompt> Inputs, bool Base64, int? Dimensions)
{
    private const int MostInputs = 2048;

    /// <exception cref="ApiError">400, naming the field.</exception>
    public static EmbeddingRequest Read(JsonElement root, IgnoredFields ignored) => Read(new Fields(root, ignored));

    /// <inheritdoc cref="Read(JsonElement, IgnoredFields)"/>
    public static EmbeddingRequest Read(Fields fields)
    {
        string model = fields.Text("model") ?? throw Fields.Missing("model");
        bool base64 = fields.Text("encoding_format") switch
        {
            null or "float" => false,
            "base64" => true,
            _ => throw ApiError.Invalid("encoding_format", "'encoding_format' must be float or base64."),
        };
        int? dimensions = fields.Whole("dimensions", 1, int.MaxValue);
        fields.Text("user");
        JsonElement input = fields.Take("input") ?? throw Fields.Missing("input");
        fields.End();
        return new EmbeddingRequest(model, PromptList.Read(input, "input", MostInputs), base64, dimensions);
    }
}
