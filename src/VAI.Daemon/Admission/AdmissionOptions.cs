namespace VAI.Daemon.Admission;

/// <summary>How much the daemon takes at once, from whom, and how large.</summary>
internal sealed class AdmissionOptions
{
    /// <summary>Places for what computes at once, 1 to 65,536: a request takes one for each answer, and more for long prompts.</summary>
    public int MaxActive { get; set; } = 64;

    /// <summary>Requests that wait behind them, 0 to 1,048,576.</summary>
    public int MaxWaiting { get; set; } = 256;

    /// <summary>Of <see cref="MaxActive"/>, what one client may have; null for a quarter, so that there is room for who comes next.</summary>
    public int? MaxActivePerClient { get; set; }

    /// <summary>
    /// What a client may have of it while others are there, or were a moment ago; null for one for every two cores. What computes at once shares
    /// each step of the engine, and on two cores a step of three takes twice as long as a step of one, of sixteen ten times.
    /// </summary>
    public int? MaxActiveBesideOthers { get; set; }

    /// <summary>Of <see cref="MaxWaiting"/>, what one client may have; null for a quarter.</summary>
    public int? MaxWaitingPerClient { get; set; }

    /// <summary>
    /// How long a client that has as many waiting as it may waits for its 429. One that asks again at once would otherwise be refused
    /// thousands of times a second, and take the cores from those that compute.
    /// </summary>
    public TimeSpan RefusalDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Largest body of a request in bytes.</summary>
    public long MaxBodyBytes { get; set; } = 16 << 20;

    /// <summary>Other limits than <see cref="MaxBodyBytes"/>, by the beginning of the path; the longest that fits counts.</summary>
    public Dictionary<string, long> BodyLimits { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Requests that wait where each takes but a moment: as many as there are connections.</summary>
    public const int ManyWaiting = 8192;

    /// <summary>Bytes of bodies that are held in memory until their requests have places, all in all; a client has a quarter.</summary>
    public long MaxHeldBytes { get; set; } = 256L << 20;

    /// <summary>Largest saved session that a client sends, in bytes.</summary>
    public long MaxSessionBytes { get; set; } = 8L << 30;

    /// <summary>Most sessions of all clients.</summary>
    public const int MostSessions = 65_536;

    /// <summary>Of <see cref="MostSessions"/>, what one client may have open.</summary>
    public int MaxSessionsPerClient { get; set; } = 4096;

    /// <summary>After how long an unused session is closed whose client holds no lease.</summary>
    public TimeSpan SessionIdle { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Connections open at once, 1 or more; further ones are closed.</summary>
    public int MaxConnections { get; set; } = 8192;

    /// <summary>Of them, over TCP, those that have not shown a key where keys are needed; one more ends the oldest.</summary>
    public int MaxUnknownConnections { get; set; } = 128;

    /// <summary>Of those, one address's.</summary>
    public int MaxUnknownPerAddress { get; set; } = 32;

    /// <summary>How long one is not ended for the sake of another, unless a quarter of all connections are such.</summary>
    public TimeSpan UnknownGrace { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a connection over TCP may be open before a request of it is let in.</summary>
    public TimeSpan FirstRequestTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection may take to send a request's headers.</summary>
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may be idle.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a reader may take none of what is sent to it, before its connection is closed.</summary>
    public TimeSpan SlowReaderTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What one client may have at once, and what may wait of it.</summary>
    internal (int Active, int BesideOthers, int Waiting) Share
    {
        get
        {
            int active = MaxActivePerClient ?? Math.Max(1, MaxActive / 4);
            return (active, Math.Min(active, MaxActiveBesideOthers ?? Math.Max(1, Environment.ProcessorCount / 2)), MaxWaitingPerClient ?? (MaxWaiting + 3) / 4);
        }
    }

    /// <summary>The limit of a path in bytes.</summary>
    internal long BodyLimitOf(string path) =>
        BodyLimits.Where(l => path.StartsWith(l.Key, StringComparison.OrdinalIgnoreCase)).OrderByDescending(l => l.Key.Length)
            .Select(l => (long?)l.Value).FirstOrDefault() ?? MaxBodyBytes;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    internal void Validate()
    {
        InRange(nameof(MaxActive), MaxActive, 1, 65_536);
        InRange(nameof(MaxWaiting), MaxWaiting, 0, 1 << 20);
        InRange(nameof(MaxActivePerClient), MaxActivePerClient ?? 1, 1, MaxActive);
        InRange(nameof(MaxActiveBesideOthers), MaxActiveBesideOthers ?? 1, 1, MaxActive);
        InRange(nameof(MaxWaitingPerClient), MaxWaitingPerClient ?? 0, 0, MaxWaiting);
        InRange(nameof(MaxHeldBytes), MaxHeldBytes, 4, long.MaxValue);
        InRange(nameof(MaxSessionBytes), MaxSessionBytes, 1, long.MaxValue);
        InRange(nameof(MaxSessionsPerClient), MaxSessionsPerClient, 1, MostSessions);
        InRange(nameof(SessionIdle), SessionIdle, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30));
        InRange(nameof(MaxConnections), MaxConnections, 1, int.MaxValue);
        InRange(nameof(MaxUnknownConnections), MaxUnknownConnections, 1, int.MaxValue);
        InRange(nameof(MaxUnknownPerAddress), MaxUnknownPerAddress, 1, int.MaxValue);
        InRange(nameof(UnknownGrace), UnknownGrace, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        InRange(nameof(FirstRequestTimeout), FirstRequestTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        InRange(nameof(MaxBodyBytes), MaxBodyBytes, 1, int.MaxValue);
        foreach ((string path, long limit) in BodyLimits)
            InRange($"{nameof(BodyLimits)}['{path}']", limit, 1, int.MaxValue);
        InRange(nameof(RefusalDelay), RefusalDelay, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        InRange(nameof(HeaderTimeout), HeaderTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        InRange(nameof(IdleTimeout), IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        InRange(nameof(SlowReaderTimeout), SlowReaderTimeout, TimeSpan.FromSeconds(2), TimeSpan.FromHours(1));
    }

    private static void InRange<T>(string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            throw new VaiUsageException(VaiError.InvalidOption, $"{name} is {value}, but must be from {least} to {most}.");
    }
}
