using System.Collections.Frozen;
using VAI.Remote.Wire;

namespace VAI.Remote;

/// <summary>A client's table of the daemon's models. Readers take one immutable snapshot and wait for nobody.</summary>
internal sealed class RemoteModels
{
    private readonly Lock _gate = new();
    private volatile Snapshot _current = new([], []);
    private int _loads;

    public IReadOnlyList<IModelContext> All => _current.Models;

    /// <summary>Whether the daemon was ever asked.</summary>
    public bool Fetched { get; private set; }

    public RemoteModel? Find(ModelHandle handle)
    {
        RemoteModel?[] slots = _current.Slots;
        RemoteModel? model = (uint)handle.Index < (uint)slots.Length ? slots[handle.Index] : null;
        return model?.Handle.Generation == handle.Generation ? model : null;
    }

    public RemoteModel? Find(string name) => _current.Names.GetValueOrDefault(name);

    /// <summary>Takes over what the daemon said. A model that stayed keeps its handle, also where the daemon itself is another one.</summary>
    public void Set(RemoteVai vai, IReadOnlyList<WireModel> models)
    {
        lock (_gate)
        {
            Snapshot s = _current;
            List<RemoteModel?> slots = [.. s.Slots];
            var all = new List<RemoteModel>();
            foreach (WireModel data in models)
            {
                RemoteModel? model = s.Names.GetValueOrDefault(data.Name);
                if (model is not null && model.Info.File == data.Info.File)
                {
                    model.Data = data;
                }
                else
                {
                    int index = slots.IndexOf(null);
                    if (index < 0)
                    {
                        index = slots.Count;
                        slots.Add(null);
                    }

                    model = new RemoteModel(vai, new ModelHandle(index, ++_loads), data);
                    slots[index] = model;
                }

                all.Add(model);
            }

            foreach (RemoteModel gone in s.Models.Except(all))
                Clear(slots, gone);
            _current = new Snapshot([.. slots], [.. all]);
            Fetched = true;
        }
    }

    public void Remove(RemoteModel model)
    {
        lock (_gate)
        {
            Snapshot s = _current;
            List<RemoteModel?> slots = [.. s.Slots];
            Clear(slots, model);
            _current = new Snapshot([.. slots], [.. s.Models.Where(m => m != model)]);
        }
    }

    private static void Clear(List<RemoteModel?> slots, RemoteModel model)
    {
        model.Unloaded = true;
        slots[model.Handle.Index] = null;
    }

    private sealed class Snapshot(RemoteModel?[] slots, RemoteModel[] models)
    {
        public RemoteModel?[] Slots => slots;

        public RemoteModel[] Models => models;

        public FrozenDictionary<string, RemoteModel> Names { get; } = models.ToFrozenDictionary(m => m.Name, StringComparer.Ordinal);
    }
}
