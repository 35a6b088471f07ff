namespace VAI.Pipeline;

/// <summary>Updates on their way from one writer to one reader. The room is fixed, so that a reader that is behind allocates nothing.</summary>
internal sealed class UpdateRing(int capacity)
{
    private readonly InferenceUpdate[] _slots = new InferenceUpdate[capacity];
    private long _written;
    private long _read;

    public bool IsEmpty => Volatile.Read(ref _read) == Volatile.Read(ref _written);

    /// <returns>False if there is no room.</returns>
    public bool TryWrite(in InferenceUpdate update)
    {
        if (_written - Volatile.Read(ref _read) == _slots.Length)
            return false;
        _slots[_written % _slots.Length] = update;
        Volatile.Write(ref _written, _written + 1);
        return true;
    }

    /// <returns>False if there is nothing to read.</returns>
    public bool TryRead(out InferenceUpdate update)
    {
        if (_read == Volatile.Read(ref _written))
        {
            update = default;
            return false;
        }

        ref InferenceUpdate slot = ref _slots[_read % _slots.Length];
        (update, slot) = (slot, default);
        Volatile.Write(ref _read, _read + 1);
        return true;
    }
}
