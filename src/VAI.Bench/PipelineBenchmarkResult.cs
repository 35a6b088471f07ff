using VAI.Bench.Report;

namespace VAI.Bench;

/// <summary>What was measured; what was not chosen is null. Times are medians and ratios medians of pairs, unless they say otherwise.</summary>
public sealed record PipelineBenchmarkResult
{
    /// <summary>The two models' names, in the order of the options.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>One session against a bare loop.</summary>
    public SingleResult? Single { get; init; }

    /// <summary>Eight sessions against one.</summary>
    public BatchResult? Batch { get; init; }

    /// <summary>Both models at once against one after the other.</summary>
    public ConcurrentResult? Concurrent { get; init; }

    /// <summary>First tokens after, and beside, the other model.</summary>
    public FirstTokenResult? Switch { get; init; }

    /// <summary>A prompt that begins like another session's.</summary>
    public PrefixResult? Prefix { get; init; }

    /// <summary>Forking.</summary>
    public ForkResult? Fork { get; init; }

    /// <summary>Parking.</summary>
    public ParkResult? Park { get; init; }
}

/// <summary>One session of the first model, sampled greedily.</summary>
/// <param name="Ratio">Decoded tokens a second through VAI, over those of a bare loop on the same weights and as many threads.</param>
/// <param name="TokensPerSecond">Through VAI, after the first token.</param>
/// <param name="BareTokensPerSecond">In the bare loop.</param>
/// <param name="Tokens">Tokens of one run.</param>
public sealed record SingleResult(double Ratio, double TokensPerSecond, double BareTokensPerSecond, int Tokens);

/// <summary>Sessions of the first model; tokens a second are those of all, from the first prompt to the last token.</summary>
/// <param name="Sessions">How many ran at once.</param>
/// <param name="TokensPerSecond">All of them at once.</param>
/// <param name="OneTokensPerSecond">One alone.</param>
/// <param name="Ratio">The one over the other.</param>
public sealed record BatchResult(int Sessions, double TokensPerSecond, double OneTokensPerSecond, double Ratio);

/// <summary>The same work with the models one after the other, and with both at once.</summary>
/// <param name="Sessions">Sessions of each model at once.</param>
/// <param name="SerialTokens">Tokens generated in all serial runs together.</param>
/// <param name="ConcurrentTokens">The same of the concurrent ones; equal, or the benchmark fails.</param>
/// <param name="SerialTokensPerSecond">One model after the other: all tokens over all time, prompts included.</param>
/// <param name="ConcurrentTokensPerSecond">Both at once.</param>
/// <param name="Ratio">Concurrent over serial.</param>
/// <param name="Models">Each model's part, in the order of the options.</param>
public sealed record ConcurrentResult(
    int Sessions,
    int SerialTokens,
    int ConcurrentTokens,
    double SerialTokensPerSecond,
    double ConcurrentTokensPerSecond,
    double Ratio,
    IReadOnlyList<ConcurrentModel> Models)
{
    /// <summary>The pairs that the medians are of.</summary>
    internal IReadOnlyList<Speeds> Rounds { get; init; } = [];
}

/// <summary>One model's part of a <see cref="ConcurrentResult"/>, summed over all rounds.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Share">Its fraction of the pipeline's step time while both had work.</param>
/// <param name="StepTime">Its step time while both had work.</param>
/// <param name="Steps">Its steps in that time.</param>
/// <param name="Rows">Tokens computed in them, prompts included.</param>
/// <param name="Both">What its sessions saw while both had work.</param>
/// <param name="Alone">What they saw while the other model was idle.</param>
public sealed record ConcurrentModel(
    string Name, double Share, TimeSpan StepTime, int Steps, long Rows, Latency Both, Latency Alone);

/// <summary>Percentiles over all sessions of all rounds. First tokens include queueing; intervals lie between two tokens of one session.</summary>
/// <param name="FirstP50">Median time to the first token.</param>
/// <param name="FirstP99">The 99th percentile of the same.</param>
/// <param name="IntervalP50">Median time between two tokens.</param>
/// <param name="IntervalP99">The 99th percentile of the same.</param>
public sealed record Latency(TimeSpan FirstP50, TimeSpan FirstP99, TimeSpan IntervalP50, TimeSpan IntervalP99);

/// <summary>First token of a short prompt on the first model, in a session of its own.</summary>
/// <param name="StayFirst">Both models idle, the first one used last.</param>
/// <param name="SwitchedFirst">Both idle, right after a request to the second one.</param>
/// <param name="SwitchRatio">Switched over staying.</param>
/// <param name="BusyFirst">While the second one generates; from the start of the request, queueing included.</param>
/// <param name="BusyQueue">Of that, what it waited: the other model's step in progress, and its turns.</param>
/// <param name="BusyRatio">Busy over staying, both without what they waited: what sharing the machine costs the computing itself.</param>
public sealed record FirstTokenResult(
    TimeSpan StayFirst, TimeSpan SwitchedFirst, double SwitchRatio, TimeSpan BusyFirst, TimeSpan BusyQueue, double BusyRatio);

/// <summary>A long prompt, then one of the same length from another session that ends differently.</summary>
/// <param name="PromptTokens">Length of either prompt.</param>
/// <param name="SharedTokens">Tokens in which the second one begins like the first.</param>
/// <param name="ReusedTokens">Fewest of them that were not computed again.</param>
/// <param name="ColdFirst">First token of the first one.</param>
/// <param name="ReusedFirst">First token of the second one.</param>
/// <param name="Ratio">The second over the first.</param>
public sealed record PrefixResult(
    int PromptTokens, int SharedTokens, int ReusedTokens, TimeSpan ColdFirst, TimeSpan ReusedFirst, double Ratio);

/// <summary>A fork of a long session.</summary>
/// <param name="Tokens">The session's length.</param>
/// <param name="Fork">The call.</param>
/// <param name="First">The first token that the fork generates.</param>
/// <param name="ReusedTokens">Fewest tokens that a fork did not compute again for it.</param>
public sealed record ForkResult(int Tokens, TimeSpan Fork, TimeSpan First, int ReusedTokens);

/// <summary>A long session, parked and continued.</summary>
/// <param name="Tokens">The session's length at first.</param>
/// <param name="Park">The call.</param>
/// <param name="Restore">What the next token takes longer than one of the same session that was not parked.</param>
/// <param name="ReusedTokens">Fewest tokens that came back without being computed again.</param>
public sealed record ParkResult(int Tokens, TimeSpan Park, TimeSpan Restore, int ReusedTokens);
