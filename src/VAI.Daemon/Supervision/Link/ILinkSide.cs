namespace VAI.Daemon.Supervision.Link;

/// <summary>
/// Who has a link. Called by the thread that reads it, one at a time but for <see cref="Taken"/>, from which another thread may read on
/// (<see cref="LinkConnection.Relieve"/>).
/// </summary>
internal interface ILinkSide
{
    /// <summary>A frame came.</summary>
    /// <exception cref="LinkEndedException">It is not what its kind says: ends the link.</exception>
    void Take(LinkHeader header, ReadOnlySpan<byte> payload);

    /// <summary>All frames that came together were taken: whoever has got something may be told.</summary>
    void Taken();

    /// <summary>It ended. Called once, last.</summary>
    void Ended(LinkEndedException reason);
}
