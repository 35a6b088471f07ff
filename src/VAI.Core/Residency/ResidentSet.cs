using System.Collections.Frozen;

namespace VAI.Residency;

/// <summary>
/// Which models are resident. Readers take one immutable snapshot and wait for nobody; writers replace it under a lock.
/// </summary>
internal sealed class ResidentSet
{
    private readonly Lock _gate = new();
    private volatile Snapshot _current = Snapshot.Empty;

    public IReadOnlyList<IModelContext> Models => _current.Models;

    /// <summary>Context select: an array index and a comparison; null if the model is gone.</summary>
    public ModelContext? Find(ModelHandle handle)
    {
        ModelContext?[] slots = _current.Slots;
        if ((uint)handle.Index >= (uint)slots.Length)
            return null;
        ModelContext? model = slots[handle.Index];
        return model is not null && model.Handle.Generation == handle.Generation ? model : null;
    }

    public ModelContext? Find(string name) => _current.Names.GetValueOrDefault(name);

    /// <summary>Gives the model a handle and makes it selectable.</summary>
    public void Add(ModelContext model)
    {
        lock (_gate)
        {
            Snapshot s = _current;
            int index = Array.IndexOf(s.Slots, null);
            ModelContext?[] slots = [.. s.Slots];
            if (index < 0)
            {
                index = slots.Length;
                slots = [.. slots, null];
            }

            model.Handle = new ModelHandle(index, s.Loads + 1);
            slots[index] = model;
            _current = new Snapshot(slots, [.. s.Models, model], s.Loads + 1);
        }
    }

    public void Remove(ModelContext model)
    {
        lock (_gate)
        {
            Snapshot s = _current;
            ModelContext?[] slots = [.. s.Slots.Select(m => m == model ? null : m)];
            _current = new Snapshot(slots, [.. s.Models.Where(m => m != model)], s.Loads);
        }
    }

    private sealed class Snapshot(ModelContext?[] slots, ModelContext[] models, int loads)
    {
        public static readonly Snapshot Empty = new([], [], 0);

        public ModelContext?[] Slots => slots;

        /// <summary>In the order they were loaded.</summary>
        public ModelContext[] Models => models;

        public FrozenDictionary<string, ModelContext> Names { get; } = models.ToFrozenDictionary(m => m.Name, StringComparer.Ordinal);

        /// <summary>Loads so far: the source of generations.</summary>
        public int Loads => loads;
    }
}
