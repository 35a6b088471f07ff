using System.Text.Json;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>The part <c>sampling</c> of the configuration file, of a model or of all: the members of <see cref="SamplingDefaults"/> in camelCase.</summary>
internal static class SamplingSection
{
    private const float Least = 1e-6f;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>, which names the key.</exception>
    public static SamplingDefaults Read(string key, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw ServeOptions.Invalid(key, "must be an object, as {\"temperature\": 0.7, \"topP\": 0.9}.");
        var sampling = new SamplingDefaults();
        foreach (JsonProperty p in value.EnumerateObject())
        {
            string inner = $"{key}.{p.Name}";
            sampling = p.Name switch
            {
                "temperature" => sampling with { Temperature = Number(inner, p.Value, 0, 2) },
                "topK" => sampling with { TopK = Whole(inner, p.Value, int.MaxValue) },
                "topP" => sampling with { TopP = Number(inner, p.Value, Least, 1) },
                "minP" => sampling with { MinP = Number(inner, p.Value, 0, 1) },
                "typicalP" => sampling with { TypicalP = Number(inner, p.Value, Least, 1) },
                "repeatPenalty" => sampling with { RepeatPenalty = Number(inner, p.Value, 0.01f, 10) },
                "frequencyPenalty" => sampling with { FrequencyPenalty = Number(inner, p.Value, -2, 2) },
                "presencePenalty" => sampling with { PresencePenalty = Number(inner, p.Value, -2, 2) },
                "penaltyLastN" => sampling with { PenaltyLastN = Whole(inner, p.Value, SamplingDefaults.MostPenalised) },
                _ => throw ServeOptions.Invalid(
                    inner,
                    "is no option of sampling. Known: temperature, topK, topP, minP, typicalP, repeatPenalty, frequencyPenalty, presencePenalty, "
                    + "penaltyLastN."),
            };
        }

        return sampling;
    }

    private static float Number(string key, JsonElement value, float least, float most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float number) && number >= least && number <= most
            ? number
            : throw ServeOptions.Invalid(key, $"is {ServeFile.Shown(value)}, but must be a number from {least} to {most}.");

    private static int Whole(string key, JsonElement value, int most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0 && number <= most
            ? number
            : throw ServeOptions.Invalid(key, $"is {ServeFile.Shown(value)}, but must be a whole number from 0 to {most}.");
}
