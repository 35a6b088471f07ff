namespace VAI.Pipeline.Readers;

/// <summary>
/// Updates on their way from one writer to one reader: a ring with parking. The room is fixed, so that a reader that is behind allocates
/// nothing; a writer that finds none is parked, and the read that makes room says that it must be woken.
/// </summary>
/// <remarks>
/// No wakeup is lost (Dekker's algorithm): the writer stores <c>_parked</c> and then looks at <c>_read</c>, the reader stores
/// <c>_read</c> and then looks at <c>_parked</c>, each with a full fence between the two. So one of them sees the other: the writer the room,
/// or the reader the writer. The reader's fence is in every read: whether the ring was full it cannot know without one.
/// A writer may be woken once more than it was parked.
/// </remarks>
internal sealed class UpdateRing(int capacity)
{
    private readonly InferenceUpdate[] _slots = new InferenceUpdate[capacity];
    private long _written;
    private long _read;
    private int _parked;

    public bool IsEmpty => Volatile.Read(ref _read) == Volatile.Read(ref _written);

    /// <summary>For the writer.</summary>
    /// <returns>False if there is no room: then a later read wakes the writer.</returns>
    public bool TryWrite(in InferenceUpdate update)
    {
        if (Write(update))
            return true;

        // SYNC POINT with TryRead: say that we wait, then look again.
        Interlocked.Exchange(ref _parked, 1);
        if (!Write(update))
            return false;
        Volatile.Write(ref _parked, 0);
        return true;
    }

    /// <summary>For the reader.</summary>
    /// <param name="update">What was read.</param>
    /// <param name="wake">Whether the writer waits for the room that this made.</param>
    /// <returns>False if there is nothing to read.</returns>
    public bool TryRead(out InferenceUpdate update, out bool wake)
    {
        if (_read == Volatile.Read(ref _written))
        {
            update = default;
            wake = false;
            return false;
        }

        ref InferenceUpdate slot = ref _slots[_read % _slots.Length];
        (update, slot) = (slot, default);

        // SYNC POINT with TryWrite: make room, then look whether anybody waits for it.
        Interlocked.Exchange(ref _read, _read + 1);
        wake = Volatile.Read(ref _parked) != 0 && Interlocked.Exchange(ref _parked, 0) != 0;
        return true;
    }

    private bool Write(in InferenceUpdate update)
    {
        if (_written - Volatile.Read(ref _read) == _slots.Length)
            return false;
        _slots[_written % _slots.Length] = update;
        Volatile.Write(ref _written, _written + 1);
        return true;
    }
}
