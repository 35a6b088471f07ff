using System.Buffers;

namespace VAI.Daemon.Supervision.Link;

/// <summary>Frames that wait to be sent, one behind the other. It grows, and is made small again where it has grown much.</summary>
internal sealed class LinkBuffer : IBufferWriter<byte>
{
    private const int Usual = 16 << 10;
    private const int Kept = 1 << 20;
    private byte[] _bytes = new byte[Usual];

    /// <summary>How many bytes there are.</summary>
    public int Count { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Count);

    /// <summary>Begins a frame; its length is written by <see cref="End"/>.</summary>
    /// <returns>Where it begins.</returns>
    public int Begin()
    {
        int start = Count;
        Take(LinkHeader.Bytes);
        return start;
    }

    public void End(int start, LinkKind kind, ulong id) =>
        new LinkHeader(Count - start - LinkHeader.Bytes, kind, id).Write(_bytes.AsSpan(start));

    /// <summary>Takes back what was written since.</summary>
    public void Undo(int start) => Count = start;

    /// <summary>The next bytes, to be written. Valid until more are taken.</summary>
    public Span<byte> Take(int count)
    {
        Ensure(count);
        Count += count;
        return _bytes.AsSpan(Count - count, count);
    }

    /// <summary>Gives back the last bytes that were taken.</summary>
    public void Return(int count) => Count -= count;

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    public void Clear()
    {
        Count = 0;
        if (_bytes.Length > Kept)
            LargeBytes.Replace(ref _bytes, Usual, 0);
    }

    void IBufferWriter<byte>.Advance(int count) => Count += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Count);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(Count);
    }

    private void Ensure(int more)
    {
        if (_bytes.Length - Count < more)
            LargeBytes.Replace(ref _bytes, (int)Math.Min(Math.Max((long)_bytes.Length * 2, (long)Count + more), Array.MaxLength), Count);
    }
}
