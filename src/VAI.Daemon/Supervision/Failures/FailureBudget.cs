namespace VAI.Daemon.Supervision.Failures;

/// <summary>How many engines may be of no use, one after the other, before the daemon gives up and leaves it to its service manager.</summary>
/// <param name="options">How many, and within which time.</param>
/// <param name="time">A monotonic clock.</param>
internal sealed class FailureBudget(SupervisionOptions options, TimeProvider time)
{
    private readonly Queue<long> _failures = new();

    /// <summary>Since the last engine that was of use.</summary>
    public int Count => _failures.Count;

    /// <summary>An engine ended.</summary>
    /// <param name="served">How long it had served.</param>
    /// <param name="answered">Requests that it had answered.</param>
    /// <returns>Whether there may be another.</returns>
    public bool Spend(TimeSpan served, long answered)
    {
        if (served >= options.Service || answered > 0)
        {
            _failures.Clear();
            return true;
        }

        long now = time.GetTimestamp();
        while (_failures.TryPeek(out long oldest) && time.GetElapsedTime(oldest, now) > options.FailureWindow)
            _failures.Dequeue();
        _failures.Enqueue(now);
        return _failures.Count < options.Failures;
    }
}
