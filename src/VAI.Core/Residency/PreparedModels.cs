using VAI.Native.Llama;

namespace VAI.Residency;

/// <summary>A model that nobody has loaded yet: its weights are attached, and where it was to be had for little it has SRAM too.</summary>
internal sealed record PreparedModel(ModelOptions Model, Weights Weights) : IDisposable
{
    /// <summary>Null: the load makes it.</summary>
    public LlamaContext? Context { get; set; }

    public void Dispose()
    {
        Context?.Dispose();
        Weights.Dispose();
    }
}

/// <summary>
/// Models that are ready before anybody loads them: a process that stands by for another has these. The weights cost next to nothing, as
/// they are shared.
/// </summary>
/// <remarks>Thread-safe; one <see cref="Keep"/> at a time.</remarks>
internal sealed class PreparedModels : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<PreparedModel> _models = [];

    public IReadOnlyList<PreparedModel> Models
    {
        get
        {
            lock (_gate)
                return [.. _models];
        }
    }

    /// <summary>Has these models ready, and no other.</summary>
    /// <param name="models">The models.</param>
    /// <param name="attach">Attaches one; null if it is not to be had without burning or copying it.</param>
    public void Keep(IReadOnlyList<ModelOptions> models, Func<ModelOptions, Weights?> attach)
    {
        foreach (PreparedModel old in Models.Where(o => !models.Any(m => Same(m, o.Model))))
            Take(old.Model)?.Dispose();
        foreach (ModelOptions model in models)
        {
            if (!Models.Any(m => Same(m.Model, model)) && attach(model) is { } weights)
            {
                lock (_gate)
                    _models.Add(new PreparedModel(model, weights));
            }
        }
    }

    /// <summary>Hands over a model; null if it is not ready.</summary>
    public PreparedModel? Take(ModelOptions model)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(p => Same(model, p.Model));
            if (at < 0)
                return null;
            PreparedModel taken = _models[at];
            _models.RemoveAt(at);
            return taken;
        }
    }

    public void Dispose() => Keep([], static _ => null);

    // All that the weights depend on, and the name, so that two models of one file have two.
    private static bool Same(ModelOptions a, ModelOptions b) =>
        a.Name == b.Name && a.File == b.File && a.Profile == b.Profile && a.GpuLayers == b.GpuLayers && a.MainGpu == b.MainGpu
        && (a.TensorSplit ?? []).SequenceEqual(b.TensorSplit ?? []) && (a.Devices ?? []).SequenceEqual(b.Devices ?? [], StringComparer.OrdinalIgnoreCase);
}
