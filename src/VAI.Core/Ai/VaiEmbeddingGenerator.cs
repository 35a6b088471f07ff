using Microsoft.Extensions.AI;
using VAI.OptionRules;
using VAI.Residency;

namespace VAI.Ai;

internal sealed class VaiEmbeddingGenerator(IVai vai, string? model) : IEmbeddingGenerator<string, Embedding<float>>
{
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.RawRepresentationFactory is not null)
            throw Provider.Refused("EmbeddingGenerationOptions.RawRepresentationFactory", "Leave it out.");
        if (options?.AdditionalProperties is { Count: > 0 } properties)
            throw Provider.Refused($"The additional property '{properties.Keys.First()}'", "Leave it out.");
        IModelContext context = Provider.Select(vai, options?.ModelId, model);
        if (options?.Dimensions is { } dimensions && dimensions != context.Info.EmbeddingLength)
        {
            throw Provider.Refused(
                $"EmbeddingGenerationOptions.Dimensions of {dimensions}", $"The embeddings of '{context.Name}' have {context.Info.EmbeddingLength}. Leave it out.");
        }

        (ReadOnlyMemory<float>[] vectors, long tokens) = await EmbeddingBatch.RunAsync(
            context, [.. values.Select(Input)], cancellationToken).ConfigureAwait(false);
        DateTimeOffset created = DateTimeOffset.UtcNow;
        return new GeneratedEmbeddings<Embedding<float>>(
            vectors.Select(v => new Embedding<float>(v) { ModelId = context.Name, CreatedAt = created }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata()
            : serviceType == typeof(IVai) ? vai
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    public void Dispose()
    {
    }

    private static EmbeddingInput Input(string? text, int index) =>
        new(text ?? throw OptionCheck.Invalid($"Text {index + 1} of the input is null. Leave it out."), null);

    // The length is known once the model is there.
    private EmbeddingGeneratorMetadata Metadata() => new(
        Provider.Name, Provider.Address, model, vai.Models.FirstOrDefault(m => m.Name == model)?.Info.EmbeddingLength);
}
