namespace VAI.Engine;

/// <summary>
/// Models whose weights are attached before anybody loads them: a process that stands by for another has these ready, and gives them
/// SRAM when it takes over. That costs next to nothing, as the weights are shared.
/// </summary>
/// <remarks>Thread-safe; one <see cref="Keep"/> at a time.</remarks>
internal sealed class PreparedWeights : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<(ModelOptions Model, Weights Weights)> _models = [];

    /// <summary>The models that are ready.</summary>
    public IReadOnlyList<ModelOptions> Models
    {
        get
        {
            lock (_gate)
                return [.. _models.Select(p => p.Model)];
        }
    }

    /// <summary>Has these models ready, and no other.</summary>
    /// <param name="models">The models.</param>
    /// <param name="attach">Attaches one; null if it is not to be had without burning or copying it.</param>
    public void Keep(IReadOnlyList<ModelOptions> models, Func<ModelOptions, Weights?> attach)
    {
        foreach (ModelOptions old in Models.Where(o => !models.Any(m => Same(m, o))))
            Take(old)?.Dispose();
        foreach (ModelOptions model in models)
        {
            if (!Models.Any(m => Same(m, model)) && attach(model) is { } weights)
            {
                lock (_gate)
                    _models.Add((model, weights));
            }
        }
    }

    /// <summary>Hands over a model's weights; null if they are not ready.</summary>
    public Weights? Take(ModelOptions model)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(p => Same(model, p.Model));
            if (at < 0)
                return null;
            Weights weights = _models[at].Weights;
            _models.RemoveAt(at);
            return weights;
        }
    }

    public void Dispose() => Keep([], static _ => null);

    // All that the weights depend on, and the name, so that two models of one file have two.
    private static bool Same(ModelOptions a, ModelOptions b) =>
        a.Name == b.Name && a.File == b.File && a.Profile == b.Profile && a.GpuLayers == b.GpuLayers && a.MainGpu == b.MainGpu
        && (a.TensorSplit ?? []).SequenceEqual(b.TensorSplit ?? []);
}
