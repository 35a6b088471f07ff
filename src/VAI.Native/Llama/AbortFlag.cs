using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VAI.Native.Llama;

/// <summary>
/// A word that llama.cpp asks about between two operations of a step. It is pinned memory of the collector's: raising it is right for as long
/// as somebody can, the context's end or not.
/// </summary>
internal sealed unsafe class AbortFlag
{
    // In the middle of two cache lines, that nothing else shares: every compute thread reads it.
    private const int At = 16;
    private readonly int[] _words = GC.AllocateArray<int>(2 * At, pinned: true);

    /// <summary>Where llama.cpp finds it. No step may run that was told of it when this object is gone.</summary>
    public nint Address => (nint)Unsafe.AsPointer(ref _words[At]);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static byte IsRaised(nint word) => (byte)Volatile.Read(ref *(int*)word);

    public void Raise() => Volatile.Write(ref _words[At], 1);

    public void Clear() => Volatile.Write(ref _words[At], 0);
}
