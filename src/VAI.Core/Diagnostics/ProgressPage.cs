using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Diagnostics;

/// <summary>
/// A page of shared memory in which an engine shows that it comes on. The engine alone writes, its pipeline's thread the middle line;
/// the supervisor makes the file, and reads. Little-endian words:
/// <code>
///     0  magic, written last     8  version      16  process
///    64  steps begun            72  steps ended  80  longest step, in ticks of the monotonic clock
///   128  moves of loads, burns and preparations
/// </code>
/// A step runs where more are begun than ended.
/// </summary>
internal sealed class ProgressPage : IEngineProgress, IDisposable
{
    public const ulong Magic = 0x3147_5250_4941_5601;
    public const ulong Version = 1;
    public const int Bytes = 4096;
    public const int MagicAt = 0;
    public const int VersionAt = 8;
    public const int ProcessAt = 16;
    public const int BegunAt = 64;
    public const int EndedAt = 72;
    public const int LongestAt = 80;
    public const int MovesAt = 128;

    private readonly Segment _segment;
    private readonly SharedWord _begun;
    private readonly SharedWord _ended;
    private readonly SharedWord _longest;
    private readonly SharedWord _moves;
    private readonly SharedWord _magic;
    private long _start;
    private long _moved;

    private unsafe ProgressPage(Segment segment)
    {
        _segment = segment;

        // Held until its disposal.
        byte* start = segment.Enter().Start;
        _magic = new SharedWord(start + MagicAt);
        _begun = new SharedWord(start + BegunAt);
        _ended = new SharedWord(start + EndedAt);
        _longest = new SharedWord(start + LongestAt);
        _moves = new SharedWord(start + MovesAt);
    }

    /// <summary>Whether an engine has mapped it and writes what this build reads.</summary>
    public bool IsThere => _magic.ReadAcquire() == Magic;

    /// <summary>Changes with whatever the engine does.</summary>
    public (ulong Begun, ulong Ended, ulong Moves) Marks => (_begun.ReadAcquire(), _ended.ReadAcquire(), _moves.ReadAcquire());

    public TimeSpan Longest => Stopwatch.GetElapsedTime(0, (long)_longest.ReadAcquire());

    /// <summary>Makes one, of zeros.</summary>
    /// <exception cref="VaiEngineException">It cannot be made.</exception>
    public static ProgressPage Create(string path)
    {
        using SafeFileHandle file = Open(path, LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_EXCL);
        if (LibcNative.ftruncate(file, Bytes) != 0)
            throw Refused(path);
        return new ProgressPage(Segment.Map(file, Bytes, writable: false));
    }

    /// <summary>Maps what the supervisor has made, to write.</summary>
    /// <exception cref="VaiEngineException">It is not there, or no page.</exception>
    public static unsafe ProgressPage Attach(string path)
    {
        using SafeFileHandle file = Open(path, LibcNative.O_RDWR);
        if (RandomAccess.GetLength(file) != Bytes)
            throw new VaiEngineException(VaiError.NativeFailure, $"{path} is no page of an engine's progress. Start engines by 'vai serve' alone.");
        var page = new ProgressPage(Segment.Map(file, Bytes, writable: true));
        byte* start = page._segment.Enter().Start;
        new SharedWord(start + VersionAt).WriteRelease(Version);
        new SharedWord(start + ProcessAt).WriteRelease((ulong)Environment.ProcessId);
        page._magic.WriteRelease(Magic);
        return page;
    }

    public void Begin()
    {
        _start = Stopwatch.GetTimestamp();
        _begun.WriteRelease(_begun.ReadAcquire() + 1);
    }

    public void End()
    {
        ulong took = (ulong)(Stopwatch.GetTimestamp() - _start);
        if (took > _longest.ReadAcquire())
            _longest.WriteRelease(took);
        _ended.WriteRelease(_ended.ReadAcquire() + 1);
    }

    // Loads may go side by side.
    public void Move() => _moves.WriteRelease((ulong)Interlocked.Increment(ref _moved));

    public void Dispose() => _segment.Dispose();

    private static SafeFileHandle Open(string path, int flags)
    {
        const uint OwnerOnly = 0b_110_000_000;
        int descriptor = LibcNative.open(path, flags | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW, OwnerOnly);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Refused(path);
    }

    private static VaiEngineException Refused(string path) => new(
        VaiError.NativeFailure, $"{path}: an engine's page of progress cannot be opened ({Marshal.GetLastPInvokeErrorMessage()}). Check its directory.");
}
