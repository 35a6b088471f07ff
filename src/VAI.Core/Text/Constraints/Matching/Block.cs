using System.Buffers;
using System.Runtime.InteropServices;

namespace VAI.Text.Constraints.Matching;

/// <summary>Arrays of numbers one after another, each with its length before it and at a multiple of 8 bytes, as this machine has them in memory.</summary>
internal sealed class BlockWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new(1 << 20);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void Write<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        _bytes.Write(BitConverter.GetBytes((long)bytes.Length));
        _bytes.Write(bytes);
        _bytes.Write(new byte[-bytes.Length & 7]);
    }
}

/// <summary>Reads what a <see cref="BlockWriter"/> wrote.</summary>
internal ref struct BlockReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    /// <exception cref="InvalidDataException">That is not what stands here.</exception>
    public T[] Read<T>()
        where T : unmanaged
    {
        long length = _left.Length < sizeof(long) ? -1 : BitConverter.ToInt64(_left);
        if (length < 0 || length > _left.Length - sizeof(long))
            throw new InvalidDataException("A block ends before it should.");
        ReadOnlySpan<byte> values = _left.Slice(sizeof(long), (int)length);
        _left = _left[Math.Min(_left.Length, sizeof(long) + (((int)length + 7) & ~7))..];
        return MemoryMarshal.Cast<byte, T>(values).ToArray();
    }
}
