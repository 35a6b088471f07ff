using System.Runtime.InteropServices;

namespace VAI.Sram;

/// <summary>Host memory that parked KV may take, shared by all models.</summary>
internal sealed class ParkingLot(long limit)
{
    private long _used;

    public long Used => Interlocked.Read(ref _used);

    /// <summary>Whether there is room for so much at the moment.</summary>
    public bool HasRoom(long bytes) => bytes <= limit - Used;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= limit)
            return true;
        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}

/// <summary>
/// A line's KV in host memory, in slices (<see cref="KvSlice"/>), the last positions first. Used by one thread at a time.
/// </summary>
internal sealed unsafe class ParkedKv : IDisposable
{
    private readonly ParkingLot? _lot;
    private readonly KvSlice[] _slices;
    private readonly nint[] _places;
    private bool _disposed;

    private ParkedKv(ParkingLot? lot, int[] tokens, KvSlice[] slices)
    {
        (_lot, Tokens, _slices) = (lot, tokens, slices);
        _places = new nint[slices.Length];
    }

    ~ParkedKv() => Free();

    /// <summary>The log entries in it.</summary>
    public int[] Tokens { get; }

    public ReadOnlySpan<KvSlice> Slices => _slices;

    /// <summary>Bytes of all slices.</summary>
    public long Length
    {
        get
        {
            long length = 0;
            foreach (KvSlice slice in _slices)
                length += slice.Bytes;
            return length;
        }
    }

    /// <summary>Makes one that is to be filled.</summary>
    /// <param name="lot">Where the memory for each slice is taken.</param>
    /// <param name="tokens">The log entries.</param>
    /// <param name="slices">Its slices; the bytes of one count once it has its place.</param>
    public static ParkedKv ToFill(ParkingLot lot, int[] tokens, KvSlice[] slices) => new(lot, tokens, slices);

    /// <summary>KV that lies, slice behind slice, in memory of somebody else's, who keeps it for longer than this is used.</summary>
    public static ParkedKv Lend(int[] tokens, KvSlice[] slices, byte* start)
    {
        var lent = new ParkedKv(null, tokens, slices);
        for (int i = 0; i < slices.Length; i++)
        {
            lent._places[i] = (nint)start;
            start += slices[i].Bytes;
        }

        return lent;
    }

    /// <summary>What a slice holds; only if it has its place.</summary>
    public Span<byte> Bytes(int slice) => new((void*)_places[slice], checked((int)_slices[slice].Bytes));

    /// <summary>Whether a slice is what was copied.</summary>
    public bool IsWhole(int slice) => _lot is not null || KvSlice.Sum(Bytes(slice)) == _slices[slice].Checksum;

    /// <summary>Takes memory for a slice.</summary>
    /// <returns>False if there is none: the whole is then of no use, and can be computed again.</returns>
    public bool TryTake(int slice, long bytes)
    {
        if (bytes is <= 0 or > int.MaxValue || !_lot!.TryTake(bytes))
            return false;
        try
        {
            _places[slice] = (nint)NativeMemory.Alloc((nuint)bytes);
        }
        catch (OutOfMemoryException)
        {
            _lot.Return(bytes);
            return false;
        }

        _slices[slice] = _slices[slice] with { Bytes = bytes };
        return true;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_disposed)
            return;
        _disposed = true;
        for (int i = 0; i < _places.Length && _lot is not null; i++)
        {
            if (_places[i] == 0)
                continue;
            NativeMemory.Free((void*)_places[i]);
            _lot.Return(_slices[i].Bytes);
        }
    }
}
