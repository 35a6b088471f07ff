using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VAI.Native.Llama;

/// <summary>A word in native memory that llama.cpp asks about between two operations of a step.</summary>
internal sealed unsafe class AbortFlag : IDisposable
{
    private int* _word = (int*)NativeMemory.AllocZeroed(sizeof(int));

    ~AbortFlag() => Free();

    public nint Address => (nint)_word;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static byte IsRaised(nint word) => (byte)Volatile.Read(ref *(int*)word);

    public void Raise() => Volatile.Write(ref *_word, 1);

    public void Clear() => Volatile.Write(ref *_word, 0);

    /// <summary>Only when the context that asks is freed.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(_word);
        _word = null;
    }
}
