namespace VAI.Forge;

/// <summary>How far a forge is. Reported about a hundred times, from worker threads, one at a time and in order.</summary>
public readonly struct ForgeProgress
{
    internal ForgeProgress(long bytesWritten, long totalBytes)
    {
        BytesWritten = bytesWritten;
        TotalBytes = totalBytes;
    }

    /// <summary>Bytes written so far, at most <see cref="TotalBytes"/>.</summary>
    public long BytesWritten { get; }

    /// <summary>Size of the finished file in bytes.</summary>
    public long TotalBytes { get; }
}
