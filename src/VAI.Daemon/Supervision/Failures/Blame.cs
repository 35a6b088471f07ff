using VAI.Daemon.Supervision.Link;

namespace VAI.Daemon.Supervision.Failures;

/// <summary>What is to become of a request.</summary>
internal enum Verdict
{
    /// <summary>It goes where all go.</summary>
    Innocent,

    /// <summary>It was there at two deaths and came no further between them, or at four: it runs alone.</summary>
    Suspect,

    /// <summary>It ended the engine that it had for itself.</summary>
    Guilty,
}

/// <summary>
/// Who ends engines. A request that was at an engine when it died is blamed, and nobody else is: not its model, and not who was not there. A
/// model is blamed for loads alone: three that ended an engine, one after the other, and it is quarantined until a load of it succeeds.
/// </summary>
/// <remarks>Thread-safe. Nothing here depends on a clock.</remarks>
internal sealed class Blame
{
    /// <summary>Loads in a row that end an engine, until the model is quarantined.</summary>
    public const int Strikes = 3;

    /// <summary>A request that came so many tokens further was not ended by where it was.</summary>
    public const int ClearProgress = 16;

    private const int Deaths = 2;
    private const int DeathsInSpiteOfProgress = 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _loads = new(StringComparer.Ordinal);
    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<Request, Record> _requests = [];

    /// <summary>An engine died.</summary>
    /// <param name="lost">What was being asked of it.</param>
    /// <param name="isolated">Whether it was one request's own.</param>
    /// <returns>Models that are in quarantine by it, and were not before.</returns>
    public IReadOnlyList<string> Died(IReadOnlyList<Exchange> lost, bool isolated)
    {
        lock (_gate)
        {
            foreach (Request request in lost.Select(e => e.Request).OfType<Request>().Where(r => !r.IsLoad).Distinct())
                _requests.GetOrCreateValue(request).Died(request.Progress, isolated);
            List<string> quarantined = [];
            foreach (string model in lost.SelectMany(e => e.Loading).Distinct(StringComparer.Ordinal))
            {
                int strikes = _loads[model] = _loads.GetValueOrDefault(model) + 1;
                if (strikes == Strikes)
                    quarantined.Add(model);
            }

            return quarantined;
        }
    }

    public Verdict Judge(Request request)
    {
        lock (_gate)
            return _requests.TryGetValue(request, out Record? record) ? record.Verdict : Verdict.Innocent;
    }

    /// <summary>Whether it has come clearly further than where it was at its last death.</summary>
    public bool IsCleared(Request request)
    {
        lock (_gate)
            return !_requests.TryGetValue(request, out Record? record) || request.Progress - record.At >= ClearProgress;
    }

    /// <summary>What was held against a request is forgotten.</summary>
    public void Clear(Request request)
    {
        lock (_gate)
            _requests.Remove(request);
    }

    public bool IsQuarantined(string model)
    {
        lock (_gate)
            return _loads.GetValueOrDefault(model) >= Strikes;
    }

    /// <summary>Whether a load of some model ended the last engine: then one goes after the other, so that it is known which.</summary>
    public bool DiedLoading
    {
        get
        {
            lock (_gate)
                return _loads.Count > 0;
        }
    }

    /// <summary>A load succeeded, which clears its model.</summary>
    public void Loaded(string model)
    {
        lock (_gate)
            _loads.Remove(model);
    }

    private sealed class Record
    {
        private int _deaths;
        private int _stuck;
        private bool _alone;

        /// <summary>How far it was at its last death.</summary>
        public long At { get; private set; } = -ClearProgress;

        public Verdict Verdict =>
            _alone ? Verdict.Guilty : _stuck >= Deaths || _deaths >= DeathsInSpiteOfProgress ? Verdict.Suspect : Verdict.Innocent;

        public void Died(long progress, bool isolated)
        {
            _alone |= isolated;
            _deaths++;
            _stuck = progress - At < ClearProgress ? _stuck + 1 : 1;
            At = progress;
        }
    }
}
