namespace VAI.Bench;

/// <summary>Threads that use a core each, until their disposal.</summary>
internal sealed class BusyThreads : IDisposable
{
    private readonly Thread[] _threads;
    private volatile bool _ended;

    public BusyThreads(int count)
    {
        _threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(Run) { IsBackground = true, Name = "busy" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    public void Dispose()
    {
        _ended = true;
        foreach (Thread thread in _threads)
            thread.Join();
    }

    // No instruction that tells the processor of a loop: it computes.
    private void Run()
    {
        for (uint x = 1; !_ended;)
        {
            for (int i = 0; i < 10_000; i++)
                x = (x * 1664525) + 1013904223;
            GC.KeepAlive(x);
        }
    }
}
