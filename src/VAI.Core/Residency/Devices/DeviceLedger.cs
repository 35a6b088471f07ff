using VAI.Native.Abi;

namespace VAI.Residency.Devices;

/// <summary>
/// What the models of an engine have of each GPU's memory, in bytes, and what one more may have: as much as its driver says is free, where that tells, and no more in
/// all than the limit. Thread-safe.
/// </summary>
/// <param name="limit">Most that models may have on each; null for all of it.</param>
internal sealed class DeviceLedger(long? limit)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _held = [];
    private readonly Dictionary<string, long> _pending = [];

    public long Held(string device)
    {
        lock (_gate)
            return _held.GetValueOrDefault(device);
    }

    /// <summary>What one more model may have there.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="spare">What its driver is to have left.</param>
    public long Room(NativeDevice device, long spare = 0)
    {
        (long free, long total) = device.Memory();
        lock (_gate)
            return Room(device.Name, free - spare, total - spare);
    }

    /// <summary>Counts what a model is about to take.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="planned">What it takes.</param>
    /// <param name="devices">The GPUs among its devices.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: nothing was counted.</exception>
    public DeviceClaim Claim(string model, ModelMemory planned, IReadOnlyList<NativeDevice> devices)
    {
        Dictionary<string, long> bytes = BytesOf(planned);
        var rooms = devices.ToDictionary(d => d.Name, d => d.Memory());
        lock (_gate)
        {
            foreach ((string name, long needed) in bytes)
            {
                if (!rooms.TryGetValue(name, out (long Free, long Total) memory) || needed <= Room(name, memory.Free, memory.Total))
                    continue;
                throw new VaiEngineException(
                    VaiError.OutOfMemory,
                    $"'{model}' needs {Megabytes(needed)} of {name}, where models may have {Megabytes(Room(name, memory.Free, memory.Total))} more"
                    + $"{(limit is { } most && most < memory.Total ? $" of {Megabytes(most)}" : "")}. Unload another model there, or put fewer layers on it.");
            }

            Add(bytes, 1, pending: true);
        }

        return new DeviceClaim(this, bytes);
    }

    /// <summary>Counts what a model takes of which no plan could be made, once it has it.</summary>
    public DeviceClaim Unplanned() => new(this, []);

    internal static Dictionary<string, long> BytesOf(ModelMemory memory) =>
        memory.Devices.Where(d => !d.OnHost).ToDictionary(d => d.Device, d => d.Bytes);

    internal void Change(Dictionary<string, long> from, bool pending, Dictionary<string, long>? to)
    {
        lock (_gate)
        {
            Add(from, -1, pending);
            if (to is not null)
                Add(to, 1, pending: false);
        }
    }

    // Of a driver's free memory those that are still being loaded will take theirs.
    private long Room(string device, long free, long total) => Math.Max(0, Math.Min(
        Math.Min(limit ?? total, total) - _held.GetValueOrDefault(device),
        free - _pending.GetValueOrDefault(device)));

    private void Add(Dictionary<string, long> bytes, int sign, bool pending)
    {
        foreach ((string name, long count) in bytes)
        {
            _held[name] = _held.GetValueOrDefault(name) + (sign * count);
            if (pending)
                _pending[name] = _pending.GetValueOrDefault(name) + (sign * count);
        }
    }

    private static string Megabytes(long bytes) => $"{bytes / 1048576.0:F1} MiB";
}

/// <summary>What a model has, or is about to have, of GPUs' memory. Ends with the model.</summary>
internal sealed class DeviceClaim(DeviceLedger ledger, Dictionary<string, long> planned) : IDisposable
{
    private readonly Lock _gate = new();
    private Dictionary<string, long>? _bytes = planned;
    private bool _pending = true;

    /// <summary>It has been taken.</summary>
    /// <param name="measured">What it came to; null where llama.cpp did not say.</param>
    public void Settle(ModelMemory? measured)
    {
        lock (_gate)
        {
            if (_bytes is null)
                return;
            Dictionary<string, long> now = measured is null ? _bytes : DeviceLedger.BytesOf(measured);
            ledger.Change(_bytes, _pending, now);
            (_bytes, _pending) = (now, false);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_bytes is not null)
                ledger.Change(_bytes, _pending, null);
            _bytes = null;
        }
    }
}
