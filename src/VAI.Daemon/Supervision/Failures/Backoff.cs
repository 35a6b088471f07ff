namespace VAI.Daemon.Supervision.Failures;

/// <summary>
/// How long to wait before an engine process is started again: not at all at first, then 0.1 s, doubled up to 1 s, for as long as
/// they end within a second of serving. One that served longer starts the count anew. No longer than that: to try costs a core a
/// tenth of a second, and who has put right what was wrong is served at once. <see cref="FailureBudget"/> ends it.
/// </summary>
internal sealed class Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.1);
    private static readonly TimeSpan Last = TimeSpan.FromSeconds(1);
    private int _failures;

    public static TimeSpan Healthy { get; } = TimeSpan.FromSeconds(1);

    /// <summary>An engine ended.</summary>
    /// <param name="served">How long it had served; zero if it never did.</param>
    /// <returns>How long to wait.</returns>
    public TimeSpan Next(TimeSpan served)
    {
        _failures = served >= Healthy ? 0 : _failures + 1;
        if (_failures <= 1)
            return TimeSpan.Zero;
        TimeSpan wait = First * Math.Pow(2, Math.Min(_failures - 2, 16));
        return wait < Last ? wait : Last;
    }
}
