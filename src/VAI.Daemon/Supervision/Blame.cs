namespace VAI.Daemon.Supervision;

/// <summary>
/// Which model ends the engine process: one that three times within ten minutes was the only one active when it died is quarantined.
/// Where several were active, nobody is to blame.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class Blame(TimeProvider time)
{
    public const int Strikes = 3;
    private readonly Lock _gate = new();
    private readonly List<Death> _deaths = [];
    private readonly HashSet<string> _quarantined = new(StringComparer.Ordinal);

    public static TimeSpan Window { get; } = TimeSpan.FromMinutes(10);

    // Who was reading slowly learns late that its stream broke.
    private static TimeSpan Latest { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The engine died, with these models being loaded.</summary>
    public void Died(IEnumerable<string> loading)
    {
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            _deaths.RemoveAll(d => now - d.Time > Window);
            _deaths.Add(new Death(now, new HashSet<string>(loading, StringComparer.Ordinal)));
        }
    }

    /// <summary>A transaction of the model broke with the last death, if that is not too long ago.</summary>
    public void Interrupted(string model)
    {
        lock (_gate)
        {
            if (_deaths is [.., var last] && time.GetUtcNow() - last.Time < Latest)
                last.Active.Add(model);
        }
    }

    public bool IsQuarantined(string model)
    {
        lock (_gate)
            return _quarantined.Contains(model);
    }

    /// <summary>The model gets another chance.</summary>
    public void Forgive(string model)
    {
        lock (_gate)
        {
            _quarantined.Remove(model);
            _deaths.RemoveAll(d => d.Active.Count == 1 && d.Active.Contains(model));
        }
    }

    /// <summary>Quarantines who is to blame, as far as is known of the last death by now.</summary>
    /// <returns>Those that were not before.</returns>
    public IReadOnlyList<string> Judge()
    {
        lock (_gate)
        {
            return [.. _deaths.Where(d => d.Active.Count == 1).GroupBy(d => d.Active.First(), StringComparer.Ordinal)
                .Where(g => g.Count() >= Strikes && _quarantined.Add(g.Key)).Select(g => g.Key)];
        }
    }

    private sealed record Death(DateTimeOffset Time, HashSet<string> Active);
}
