using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>The C library's heap.</summary>
internal static class NativeHeap
{
    private static int _queued;

    /// <summary>
    /// Has what is free given back to the system, soon and on another thread. Reading a vocabulary leaves as much free memory in the heap as the vocabulary takes,
    /// in that of each thread that does, which would count for every process.
    /// </summary>
    public static void TrimLater()
    {
        if (Interlocked.Exchange(ref _queued, 1) != 0)
            return;
        ThreadPool.UnsafeQueueUserWorkItem(
            static _ =>
            {
                Volatile.Write(ref _queued, 0);
                Trim();
            },
            null);
    }

    public static void Trim()
    {
        try
        {
            _ = LibcNative.malloc_trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc.
        }
    }
}
