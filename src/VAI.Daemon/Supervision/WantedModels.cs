namespace VAI.Daemon.Supervision;

/// <summary>A model that is to be loaded in whichever engine serves.</summary>
/// <param name="Model">How.</param>
/// <param name="Bytes">Its weights'.</param>
/// <param name="Failure">Why it could not be loaded the last time; null if it could.</param>
internal sealed record WantedModel(ModelOptions Model, long Bytes, string? Failure);

/// <summary>
/// What is wanted, apart from what is: only an unload takes a model out, and no failure does. In the order of their loads. Thread-safe.
/// </summary>
internal sealed class WantedModels
{
    private readonly Lock _gate = new();
    private readonly List<WantedModel> _models = [];

    public IReadOnlyList<WantedModel> All
    {
        get
        {
            lock (_gate)
                return [.. _models];
        }
    }

    public WantedModel? Find(string name)
    {
        lock (_gate)
            return _models.Find(m => m.Model.Name == name);
    }

    /// <summary>It was loaded, and is to be again.</summary>
    public void Add(ModelOptions model, long bytes)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(m => m.Model.Name == model.Name);
            var wanted = new WantedModel(model, bytes, null);
            if (at < 0)
                _models.Add(wanted);
            else
                _models[at] = wanted;
        }
    }

    public void Remove(string name)
    {
        lock (_gate)
            _models.RemoveAll(m => m.Model.Name == name);
    }

    /// <summary>Notes what came of a load; null for success.</summary>
    public void Note(string name, string? failure)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(m => m.Model.Name == name);
            if (at >= 0)
                _models[at] = _models[at] with { Failure = failure };
        }
    }
}
