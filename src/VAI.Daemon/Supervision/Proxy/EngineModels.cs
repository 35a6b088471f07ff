using System.Collections.Frozen;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>The models that are loaded. Readers take one immutable snapshot and wait for nobody.</summary>
internal sealed class EngineModels
{
    private readonly Lock _gate = new();
    private volatile Snapshot _current = new([], []);
    private int _loads;

    public IReadOnlyList<IModelContext> All => _current.Models;

    public EngineModel? Find(ModelHandle handle)
    {
        EngineModel?[] slots = _current.Slots;
        EngineModel? model = (uint)handle.Index < (uint)slots.Length ? slots[handle.Index] : null;
        return model?.Handle.Generation == handle.Generation ? model : null;
    }

    public EngineModel? Find(string name) => _current.Names.GetValueOrDefault(name);

    /// <summary>Notes a model that was loaded. One that was loaded again, by another engine, keeps its handle.</summary>
    public EngineModel Put(EngineVai vai, WireModel data)
    {
        lock (_gate)
        {
            Snapshot s = _current;
            if (s.Names.GetValueOrDefault(data.Name) is { } there)
            {
                there.Data = data;
                return there;
            }

            List<EngineModel?> slots = [.. s.Slots];
            int index = slots.IndexOf(null);
            if (index < 0)
            {
                index = slots.Count;
                slots.Add(null);
            }

            var model = new EngineModel(vai, new ModelHandle(index, ++_loads), data);
            slots[index] = model;
            _current = new Snapshot([.. slots], [.. s.Models, model]);
            return model;
        }
    }

    public void Remove(string name)
    {
        lock (_gate)
        {
            Snapshot s = _current;
            if (s.Names.GetValueOrDefault(name) is not { } model)
                return;
            model.Unloaded = true;
            EngineModel?[] slots = [.. s.Slots];
            slots[model.Handle.Index] = null;
            _current = new Snapshot(slots, [.. s.Models.Where(m => m != model)]);
        }
    }

    private sealed class Snapshot(EngineModel?[] slots, EngineModel[] models)
    {
        public EngineModel?[] Slots => slots;

        public EngineModel[] Models => models;

        public FrozenDictionary<string, EngineModel> Names { get; } = models.ToFrozenDictionary(m => m.Name, StringComparer.Ordinal);
    }
}
