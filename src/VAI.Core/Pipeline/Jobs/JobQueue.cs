using System.Collections.Concurrent;

namespace VAI.Pipeline.Jobs;

/// <summary>Jobs on their way to a place in the bank: those that have come, from any thread, and those that wait, in the order of their due times.</summary>
internal sealed class JobQueue
{
    private readonly ConcurrentQueue<Job> _incoming = new();
    private readonly List<Job> _waiting = [];
    private int _count;

    /// <summary>How many wait. From any thread, as of some moment.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Those that wait, first due first.</summary>
    public List<Job> Waiting => _waiting;

    /// <summary>From any thread.</summary>
    public void Add(Job job) => _incoming.Enqueue(job);

    /// <summary>The next one that has come. From any thread; each job is handed out once.</summary>
    public bool TryTakeNew([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Job? job) => _incoming.TryDequeue(out job);

    /// <summary>Has a job wait behind those that are due before it, or when it is.</summary>
    public void Insert(Job job)
    {
        int at = _waiting.Count;
        while (at > 0 && _waiting[at - 1].Due > job.Due)
            at--;
        _waiting.Insert(at, job);
        Volatile.Write(ref _count, _waiting.Count);
    }

    /// <summary>Takes out the one that is due first; null if none waits.</summary>
    public Job? TakeFirst()
    {
        if (_waiting.Count == 0)
            return null;
        Job first = _waiting[0];
        RemoveAt(0);
        return first;
    }

    /// <summary>Puts back what <see cref="TakeFirst"/> gave.</summary>
    public void PutBack(Job job)
    {
        _waiting.Insert(0, job);
        Volatile.Write(ref _count, _waiting.Count);
    }

    public void RemoveAt(int index)
    {
        _waiting.RemoveAt(index);
        Volatile.Write(ref _count, _waiting.Count);
    }
}
