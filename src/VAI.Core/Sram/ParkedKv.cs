using System.Runtime.InteropServices;
using VAI.Native.Llama;

namespace VAI.Sram;

/// <summary>Host memory that parked KV may take, shared by all models.</summary>
internal sealed class ParkingLot(long limit)
{
    private long _used;

    public long Used => Interlocked.Read(ref _used);

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= limit)
            return true;
        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}

/// <summary>A line's KV, copied to host memory. Used by one thread at a time.</summary>
internal sealed unsafe class ParkedKv : IDisposable
{
    private readonly ParkingLot? _lot;
    private void* _bytes;

    private ParkedKv(ParkingLot lot, int[] tokens, long length)
    {
        _lot = lot;
        Tokens = tokens;
        Length = length;
        _bytes = NativeMemory.Alloc((nuint)length);
    }

    private ParkedKv(int[] tokens, void* bytes, long length)
    {
        Tokens = tokens;
        Length = length;
        _bytes = bytes;
    }

    ~ParkedKv() => Free();

    /// <summary>The log entries in it.</summary>
    public int[] Tokens { get; }

    public long Length { get; }

    public Span<byte> Bytes => new(_bytes, checked((int)Length));

    /// <summary>Copies a line's KV.</summary>
    /// <returns>Null if there is nothing to copy, or no room: it can be computed again.</returns>
    public static ParkedKv? Copy(ParkingLot lot, LlamaContext context, SramLine line)
    {
        long length = line.Tokens.Count == 0 ? 0 : context.StateBytes(line.Sequence);
        ParkedKv? parked = Reserve(lot, [.. line.Tokens], length);
        if (parked is null || context.SaveState(line.Sequence, parked.Bytes) == length)
            return parked;
        parked.Dispose();
        return null;
    }

    /// <summary>Room for KV that comes from elsewhere; null if there is none.</summary>
    public static ParkedKv? Reserve(ParkingLot lot, int[] tokens, long length) =>
        length is > 0 and <= int.MaxValue && lot.TryTake(length) ? new ParkedKv(lot, tokens, length) : null;

    /// <summary>KV that lies in memory of somebody else's, who keeps it for longer than this is used.</summary>
    public static ParkedKv Lend(int[] tokens, void* bytes, long length) => new(tokens, bytes, length);

    public ParkedKv? Copy(ParkingLot lot)
    {
        ParkedKv? copy = Reserve(lot, Tokens, Length);
        Bytes.CopyTo(copy is null ? Bytes : copy.Bytes);
        return copy;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_bytes is not null && _lot is not null)
        {
            NativeMemory.Free(_bytes);
            _lot.Return(Length);
        }

        _bytes = null;
    }
}
