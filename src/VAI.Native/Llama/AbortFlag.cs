using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VAI.Native.Llama;

/// <summary>
/// A word that the thread of a step that decodes looks at between two operations, on llama.cpp's asking. It is pinned memory of the collector's: raising it is
/// right for as long as somebody can, the context's end or not.
/// </summary>
internal sealed unsafe class AbortFlag
{
    private const int Requested = 1, Late = 2;

    // Operations take from one microsecond on, and reading the clock a fortieth of that.
    private const int LooksAtClock = 4;

    // In the middle of two cache lines, that nothing else shares: the word, a number of operations, and a time of two words.
    private const int At = 16, OperationsAt = 1, DeadlineAt = 2;
    private readonly int[] _words = GC.AllocateArray<int>(2 * At, pinned: true);

    public AbortFlag() => Clear(long.MaxValue);

    /// <summary>Where llama.cpp finds it. No step may run that was told of it when this object is gone.</summary>
    public nint Address => (nint)Unsafe.AsPointer(ref _words[At]);

    /// <summary>Whether the step was told to end, by somebody or by its time.</summary>
    public bool IsUp => Volatile.Read(ref _words[At]) != 0;

    /// <summary>Whether its time ended the step.</summary>
    public bool IsLate => Volatile.Read(ref _words[At]) == Late;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static byte IsRaised(nint address)
    {
        int* words = (int*)address;
        if (Volatile.Read(ref *words) != 0)
            return 1;
        long deadline = *(long*)(words + DeadlineAt);
        if (deadline == long.MaxValue || ++words[OperationsAt] % LooksAtClock != 0 || Stopwatch.GetTimestamp() < deadline)
            return 0;
        Interlocked.CompareExchange(ref *words, Late, 0);
        return 1;
    }

    public void Raise() => Volatile.Write(ref _words[At], Requested);

    /// <summary>Lowers it, before a step.</summary>
    /// <param name="deadline">When it is raised by itself, as a <see cref="Stopwatch"/> timestamp; <see cref="long.MaxValue"/> for never.</param>
    public void Clear(long deadline)
    {
        *(long*)(Address + (DeadlineAt * sizeof(int))) = deadline;
        Volatile.Write(ref _words[At], 0);
    }
}
