using Microsoft.Win32.SafeHandles;
using VAI.Native.Memory;

namespace VAI.Sram;

/// <summary>
/// A file in shared memory that holds a session's KV twice: the copy that counts, and the one that is being made. Which one counts is
/// one word, stored last, so that a process killed at any instant leaves a whole copy.
/// </summary>
/// <remarks>Used on the pipeline's thread. What it hands out is valid until it is disposed.</remarks>
internal sealed unsafe class KvStashFile : IDisposable
{
    public const string Suffix = ".kv";

    // 2: the copies are of SessionSeal's version 2, in slices.
    private const int Version = 2;
    private const int VersionAt = 8;
    private const int CurrentAt = 12;
    private const int Head = 4096;
    private readonly Segment _map;
    private readonly byte* _start;
    private readonly ParkingLot _lot;
    private string _path;
    private bool _disposed;

    private KvStashFile(string path, Segment map, ParkingLot lot)
    {
        (_path, _map, _lot) = (path, map, lot);
        using Segment.Access access = map.Enter();
        _start = access.Start;
        Capacity = (map.Length - Head) / 2;
    }

    private static ReadOnlySpan<byte> Magic => "VAIKVST\x1a"u8;

    /// <summary>Bytes of one copy.</summary>
    public long Capacity { get; }

    /// <summary>How many copies this process has made in it.</summary>
    public int Copies { get; private set; }

    /// <summary>Where the next copy is to be made.</summary>
    public Span<byte> Next => Half(Current == 1 ? 2 : 1);

    /// <summary>The copy that counts, with whatever lies behind it; empty if there is none.</summary>
    public ReadOnlySpan<byte> Whole => Current is 1 or 2 ? Half(Current) : default;

    /// <summary>Where <see cref="Whole"/> is.</summary>
    public byte* WholeStart => Start(Current);

    private int Current
    {
        get => Volatile.Read(ref *(int*)(_start + CurrentAt));
        set => Volatile.Write(ref *(int*)(_start + CurrentAt), value);
    }

    /// <summary>Makes one. All its memory is taken at once: a store that finds none left would end the process.</summary>
    /// <returns>Null if there is no room.</returns>
    public static KvStashFile? TryCreate(string path, long capacity, ParkingLot lot)
    {
        capacity = (capacity + Head - 1) / Head * Head;
        long length = Head + (2 * capacity);
        if (capacity > int.MaxValue || !lot.TryTake(length))
            return null;
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, preallocationSize: length);
            RandomAccess.SetLength(file, length);
            var made = new KvStashFile(path, Segment.Map(file, length, writable: true), lot);
            Magic.CopyTo(new Span<byte>(made._start, Magic.Length));
            *(int*)(made._start + VersionAt) = Version;
            return made;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or VaiException)
        {
            File.Delete(path);
            lot.Return(length);
            return null;
        }
    }

    /// <summary>Takes over one that another process has left; null, and it is deleted, if it is of no use.</summary>
    public static KvStashFile? TryOpen(string path, ParkingLot lot)
    {
        KvStashFile? opened = null;
        long taken = 0;
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            long length = RandomAccess.GetLength(file);
            if (length >= Head && length <= Head + (2L * int.MaxValue) && lot.TryTake(length))
            {
                taken = length;
                opened = new KvStashFile(path, Segment.Map(file, length, writable: true), lot);
                if (opened.IsWhole)
                    return opened;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or VaiException)
        {
            // As if it were not there.
        }

        if (opened is not null)
            opened.Dispose();
        else
            lot.Return(taken);
        File.Delete(path);
        return null;
    }

    /// <summary>Gives it another name; false, and it is disposed, if that does not work.</summary>
    public bool TryMove(string path)
    {
        try
        {
            File.Move(_path, path);
            _path = path;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            return false;
        }
    }

    /// <summary>What was put into <see cref="Next"/> is the copy that counts now.</summary>
    public void Publish()
    {
        Current = Current == 1 ? 2 : 1;
        Copies++;
    }

    /// <summary>Forgets what it holds, for another session to use it.</summary>
    public void Clear() => Current = 0;

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        long length = _map.Length;
        _map.Dispose();
        File.Delete(_path);
        _lot.Return(length);
    }

    private bool IsWhole =>
        new ReadOnlySpan<byte>(_start, Magic.Length).SequenceEqual(Magic) && *(int*)(_start + VersionAt) == Version && Current is 1 or 2;

    private byte* Start(int half) => _start + Head + ((half - 1) * Capacity);

    private Span<byte> Half(int half) => new(Start(half), checked((int)Capacity));
}
