using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Machine;

/// <summary>
/// A page of shared memory by which processes of one user take turns: who wants one, who has it, and how much each has had. Little-endian words:
/// <code>
///     0  magic, written last    8  version
///    64  changes of the holder, a futex word    72  the holder: a place + 1, or 0
///   128  places of 64 bytes: wants (0 or 1), used, steps, steps at which it was passed over + 1
/// </code>
/// Who has a place holds a lock on a byte of the file behind the page, so that it is free when its process ends. All else is advice: whatever is
/// written there, nobody waits for long, and no more than turns depends on it.
/// </summary>
/// <remarks>Of each place one thread writes; the words are read and changed by anybody.</remarks>
internal sealed unsafe class TurnPage : IDisposable
{
    public const ulong Magic = 0x534E_5255_5449_4156;
    public const ulong Version = 1;
    public const int Bytes = 4096;
    public const int ChangesAt = 64;
    public const int HolderAt = 72;
    public const int PlacesAt = 128;
    public const int PlaceBytes = 64;
    public const int WantsAt = 0, UsedAt = 8, StepsAt = 16, PassedAt = 24;
    public const int Places = (Bytes - PlacesAt) / PlaceBytes;

    private readonly Segment _segment;
    private readonly FileLock _place;
    private readonly byte* _start;

    private TurnPage(Segment segment, FileLock place, int own)
    {
        (_segment, _place, Own) = (segment, place, own);

        // Held until its disposal.
        _start = segment.Enter().Start;
    }

    /// <summary>This process's place.</summary>
    public int Own { get; }

    /// <summary>Who has the turn; -1 for nobody.</summary>
    public int Holder
    {
        get
        {
            ulong word = Volatile.Read(ref Word(HolderAt));
            if (word <= Places)
                return (int)word - 1;

            // Somebody's nonsense.
            Interlocked.CompareExchange(ref Word(HolderAt), 0, word);
            return -1;
        }
    }

    /// <summary>Moves with each change of the holder.</summary>
    public int Changes => Volatile.Read(ref *(int*)(_start + ChangesAt));

    /// <summary>Takes a place in the page of a file, which is made if it is missing.</summary>
    /// <returns>Null where there is none to be had: the file is not this user's alone, of another version, or everybody's place is taken.</returns>
    public static TurnPage? Open(string path)
    {
        using FileLock? file = FileLock.Open(path);
        if (file is null || !IsOwn(file.Handle) || LibcNative.fallocate(file.Handle, 0, 0, Bytes) != 0)
            return null;
        for (int place = 0; place < Places; place++)
        {
            FileLock? own = FileLock.Open(path, new ByteRange(Bytes + place, 1));
            try
            {
                if (own is null || !own.TryTake())
                    continue;
                var page = new TurnPage(Segment.Map(file.Handle, Bytes, writable: true), own, place);
                own = null;
                if (page.Begin())
                    return page;
                page.Dispose();
                return null;
            }
            catch (VaiEngineException)
            {
                // No such locks on this file system, or no mapping.
                return null;
            }
            finally
            {
                own?.Dispose();
            }
        }

        return null;
    }

    public ref ulong Wants(int place) => ref Word(PlacesAt + (place * PlaceBytes) + WantsAt);

    public ref ulong Used(int place) => ref Word(PlacesAt + (place * PlaceBytes) + UsedAt);

    public ref ulong Steps(int place) => ref Word(PlacesAt + (place * PlaceBytes) + StepsAt);

    public ref ulong Passed(int place) => ref Word(PlacesAt + (place * PlaceBytes) + PassedAt);

    /// <summary>Whether the process of a place lives, stopped or not.</summary>
    public bool Lives(int place)
    {
        try
        {
            return place == Own || FileLock.IsHeld(_place.Handle, new ByteRange(Bytes + place, 1), out _);
        }
        catch (VaiEngineException)
        {
            return true;
        }
    }

    /// <summary>Gives the turn from one to another, and tells those who wait. -1 is nobody.</summary>
    /// <returns>False if somebody else had it.</returns>
    public bool TryPass(int from, int to, bool tell)
    {
        if (Interlocked.CompareExchange(ref Word(HolderAt), (ulong)(to + 1), (ulong)(from + 1)) != (ulong)(from + 1))
            return false;
        Interlocked.Increment(ref *(int*)(_start + ChangesAt));
        if (tell)
            Tell();
        return true;
    }

    /// <summary>Wakes those who wait for a change.</summary>
    public void Tell() => LibcNative.futex(_start + ChangesAt, LibcNative.FUTEX_WAKE, int.MaxValue, null);

    /// <summary>Waits for a change of the holder.</summary>
    /// <param name="seen"><see cref="Changes"/> as it was when the holder was looked at.</param>
    /// <param name="most">How long at most.</param>
    public void Wait(int seen, TimeSpan most)
    {
        var time = new time_spec { tv_sec = most.Ticks / TimeSpan.TicksPerSecond, tv_nsec = most.Ticks % TimeSpan.TicksPerSecond * 100 };
        LibcNative.futex(_start + ChangesAt, LibcNative.FUTEX_WAIT, seen, &time);
    }

    public void Dispose()
    {
        _place.Dispose();
        if (!_segment.IsClosed)
        {
            _segment.DangerousRelease();
            _segment.Dispose();
        }
    }

    private static bool IsOwn(SafeFileHandle file) =>
        LibcNative.Status(file, out statx_result status)
        && status.stx_uid == LibcNative.geteuid() && (status.stx_mode & (LibcNative.S_IFMT | OthersWrite)) == LibcNative.S_IFREG;

    // Nobody else may write what is written here.
    private const int OthersWrite = 0b_000_010_010;

    private ref ulong Word(int at) => ref *(ulong*)(_start + at);

    // What an earlier process left in this place is nobody's.
    private bool Begin()
    {
        ulong magic = Interlocked.CompareExchange(ref Word(0), Magic, 0);
        if (magic == 0)
            Volatile.Write(ref Word(8), Version);
        if (magic is not (0 or Magic) || Volatile.Read(ref Word(8)) is not (0 or Version))
            return false;
        Volatile.Write(ref Wants(Own), 0);
        Volatile.Write(ref Used(Own), 0);
        Volatile.Write(ref Passed(Own), 0);
        TryPass(Own, -1, tell: true);
        return true;
    }
}
