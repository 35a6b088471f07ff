using Microsoft.Win32.SafeHandles;

namespace VAI.Native.Machine;

/// <summary>
/// How long threads were ready to run and had no core: the second number of <c>/proc/self/task/TID/schedstat</c> (the kernel's
/// Documentation/scheduler/sched-stats.rst), in nanoseconds. Unlike times of steps and clocks it says what others cost, and nothing else.
/// </summary>
/// <remarks>Used by one thread at a time. Where the kernel does not count, there are no handles, and nothing was ever waited for.</remarks>
internal sealed class RunDelays : IDisposable
{
    private readonly List<SafeFileHandle> _threads = [];

    /// <summary>Threads that are looked at.</summary>
    public int Count => _threads.Count;

    /// <summary>Looks at a thread of this process, too.</summary>
    public void Add(uint thread)
    {
        try
        {
            _threads.Add(File.OpenHandle($"/proc/self/task/{thread}/schedstat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or the kernel does not count.
        }
    }

    /// <summary>Nanoseconds that they have waited, together, since each began. Allocates nothing.</summary>
    public long Total()
    {
        Span<byte> text = stackalloc byte[96];
        long total = 0;
        foreach (SafeFileHandle thread in _threads)
        {
            try
            {
                var numbers = new ProcText(text[..RandomAccess.Read(thread, text, 0)]);
                if (numbers.TryNext(out _) && numbers.TryNext(out long waited))
                    total += waited;
            }
            catch (IOException)
            {
                // ESRCH: it has ended.
            }
        }

        return total;
    }

    public void Dispose()
    {
        foreach (SafeFileHandle thread in _threads)
            thread.Dispose();
        _threads.Clear();
    }
}
