namespace VAI.Daemon.Supervision;

/// <summary>How patient the supervisor is.</summary>
internal sealed record SupervisionOptions
{
    /// <summary>How long an engine may have work and show nothing for it, beyond twice its longest step.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often it is looked whether engines come on.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often an engine is asked whether it knows of what was asked of it and of which nothing came meanwhile.</summary>
    public TimeSpan Comparison { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An engine that has lost so many requests is replaced.</summary>
    public int Losses { get; init; } = 3;

    /// <summary>How long an engine process may take to greet, whatever it shows.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How long the first standby is put off while somebody is served: its start takes the cores for a second or more. One that follows an
    /// engine's end is put off for <see cref="NextStandby"/>, as where one engine has ended another may.
    /// </summary>
    public TimeSpan FirstStandby { get; init; } = TimeSpan.FromSeconds(20);

    /// <inheritdoc cref="FirstStandby"/>
    public TimeSpan NextStandby { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How soon another standby is started where one could not be, or has ended; twice as long each time, up to <see cref="StandbyAgainAtMost"/>.</summary>
    public TimeSpan StandbyAgain { get; init; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="StandbyAgain"/>
    public TimeSpan StandbyAgainAtMost { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For how long nobody must have been served for that to be a quiet time.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a standby may take to say that it lives when it is to take over.</summary>
    public TimeSpan StandbyAnswer { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a request that an engine has begun waits for another while none can be had. Others are refused at once then.</summary>
    public TimeSpan Resumption { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After so many engines within <see cref="FailureWindow"/> that were of no use the daemon gives up.</summary>
    public int Failures { get; init; } = 20;

    public TimeSpan FailureWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>An engine that served so long was of use, whatever it then ended by.</summary>
    public TimeSpan Service { get; init; } = TimeSpan.FromMinutes(1);
}
