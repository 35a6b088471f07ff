using System.Buffers;

namespace VAI.Daemon.Supervision.Link;

/// <summary>Arrays of bytes for frames, which are rented where they are large: new memory is slow to come by, four kilobytes at a time.</summary>
internal static class LargeBytes
{
    // Smaller ones are the collector's: those are taken again and again anyway.
    private const int Rented = 256 << 10;

    /// <summary>Puts another array in the place of one that nobody else has.</summary>
    /// <param name="bytes">The array.</param>
    /// <param name="least">Its length, at least.</param>
    /// <param name="used">How much of it is kept.</param>
    public static void Replace(ref byte[] bytes, int least, int used)
    {
        byte[] other = least > Rented ? ArrayPool<byte>.Shared.Rent(least) : new byte[least];
        bytes.AsSpan(0, used).CopyTo(other);
        if (bytes.Length > Rented)
            ArrayPool<byte>.Shared.Return(bytes);
        bytes = other;
    }
}
