namespace VAI.Daemon.Supervision;

/// <summary>A model that is to be loaded in whichever engine serves.</summary>
/// <param name="Model">How.</param>
/// <param name="Bytes">Its weights'; 0 if it was never loaded.</param>
/// <param name="Failure">Why it could not be loaded the last time; null if it could.</param>
/// <param name="Leaves">Whether it is wanted for the sessions that it has, and no longer than that.</param>
internal sealed record WantedModel(ModelOptions Model, long Bytes, string? Failure, bool Leaves = false)
{
    /// <summary>Why it cannot be had, for whoever asks for it.</summary>
    public VaiUsageException NotThere() => new(
        VaiError.ModelNotLoaded,
        Failure is null ? $"'{Model.Name}' is being loaded. Ask again later."
        : $"'{Model.Name}' could not be loaded{(Bytes > 0 ? " again" : "")} ({Failure}). That is tried again: ask again later.");
}

/// <summary>
/// What is wanted, apart from what is: only an unload takes a model out, or another configuration, and no failure does. In the order in which it was
/// wanted. Thread-safe.
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

    /// <summary>It is to be loaded, if it is not; and stays, if it was to leave.</summary>
    public void Want(ModelOptions model)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(m => m.Model.Name == model.Name);
            if (at < 0)
                _models.Add(new WantedModel(model, 0, null));
            else
                _models[at] = _models[at] with { Leaves = false };
        }
    }

    /// <summary>It is to go with its last session; false if it is not wanted at all.</summary>
    public bool Leave(string name)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(m => m.Model.Name == name);
            if (at >= 0)
                _models[at] = _models[at] with { Leaves = true };
            return at >= 0;
        }
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

    /// <summary>Notes what came of a load.</summary>
    /// <param name="name">The model's.</param>
    /// <param name="bytes">Its weights'; 0 if it failed.</param>
    /// <param name="failure">Why it failed; null if it did not.</param>
    public void Note(string name, long bytes, string? failure)
    {
        lock (_gate)
        {
            int at = _models.FindIndex(m => m.Model.Name == name);
            if (at >= 0)
                _models[at] = _models[at] with { Bytes = bytes > 0 ? bytes : _models[at].Bytes, Failure = failure };
        }
    }
}
