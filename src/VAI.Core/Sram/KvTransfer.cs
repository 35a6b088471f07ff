namespace VAI.Sram;

/// <summary>How a transfer ended.</summary>
internal enum KvTransferEnd
{
    /// <summary>All of it has come.</summary>
    Whole,

    /// <summary>No more of it can come: there is no memory for it, or it is damaged. It can be computed again.</summary>
    Failed,

    /// <summary>It is not wanted any more.</summary>
    Stopped,
}

/// <summary>
/// KV on its way between a line and memory outside llama.cpp's, a slice at a time. It ends once, whole or stopped. On the pipeline's
/// thread.
/// </summary>
internal abstract class KvTransfer(SramLine line)
{
    public SramLine Line => line;

    public bool Ended { get; private set; }

    /// <summary>How many of the line's first positions must stay as they are.</summary>
    public abstract int Reads { get; }

    /// <summary>Bytes that it copies if it does so in one slice; else <see cref="long.MaxValue"/>.</summary>
    public abstract long BytesAtOnce { get; }

    /// <summary>Copies the next slice.</summary>
    /// <returns>False if it could not: it waits for cells.</returns>
    public bool Advance() => Ended || Move();

    /// <summary>Ends it where it is.</summary>
    /// <param name="why">For who waits for it; null if that one goes without.</param>
    public void Stop(Exception? why) => End(KvTransferEnd.Stopped, why);

    /// <summary>Ends it for want of what it needs.</summary>
    public void Fail() => End(KvTransferEnd.Failed);

    protected abstract bool Move();

    /// <summary>Called once: nothing is left of it afterwards but what is whole.</summary>
    protected abstract void Close(KvTransferEnd end, Exception? why);

    protected void End(KvTransferEnd end, Exception? why = null)
    {
        if (Ended)
            return;
        Ended = true;
        Close(end, why);
    }
}
