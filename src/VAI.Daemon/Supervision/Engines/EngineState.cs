namespace VAI.Daemon.Supervision.Engines;

/// <summary>
/// What an engine process is, in this order, of which it may leave out some:
/// <code>
///   Starting -> StandingBy -> TakingOver -> Serving -> Ending
///       |            |             |                     ^
///       +------------+-------------+---------------------+
/// </code>
/// An isolated one serves one request. The daemon's own last state is <see cref="GivenUp"/>: no engine is started any more.
/// </summary>
internal enum EngineState
{
    /// <summary>The process is there, and has not greeted.</summary>
    Starting,

    /// <summary>It is prepared for what is wanted, or is being prepared.</summary>
    StandingBy,

    /// <summary>It loads what is wanted.</summary>
    TakingOver,

    /// <summary>Requests go to it.</summary>
    Serving,

    /// <summary>It is, or will be, dead.</summary>
    Ending,

    /// <summary>Of the daemon: too many were of no use.</summary>
    GivenUp,
}
