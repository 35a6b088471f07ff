using System.Buffers;

namespace VAI.Native.Memory;

/// <summary>Bytes that do not move, of any length, read through bounded spans.</summary>
/// <remarks>A span must not be used after the disposal of the view it came from.</remarks>
internal abstract unsafe class ByteView : IDisposable
{
    private byte* _base;

    /// <summary>Length in bytes; may pass 2 GiB.</summary>
    public long Length { get; private set; }

    /// <summary>The bytes [offset, offset + length).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_base == null && Length > 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        // Offset first: offset + length could wrap.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return new ReadOnlySpan<byte>(_base + offset, length);
    }

    /// <summary>A view of managed memory, pinned until disposal.</summary>
    public static ByteView Over(ReadOnlyMemory<byte> bytes) => new PinnedBytes(bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_base == null)
            return;
        _base = null;
        Release();
    }

    private protected void Set(byte* start, long length)
    {
        _base = start;
        Length = length;
    }

    private protected abstract void Release();

    private sealed class PinnedBytes : ByteView
    {
        private MemoryHandle _pin;

        internal PinnedBytes(ReadOnlyMemory<byte> bytes)
        {
            _pin = bytes.Pin();
            Set((byte*)_pin.Pointer, bytes.Length);
        }

        private protected override void Release() => _pin.Dispose();
    }
}
