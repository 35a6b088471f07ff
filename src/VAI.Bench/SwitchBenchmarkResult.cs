namespace VAI.Bench;

/// <summary>How far a benchmark has come.</summary>
/// <param name="Phase">What is being done, for people.</param>
/// <param name="Fraction">How much of the whole is done, 0 to 1.</param>
public readonly record struct BenchProgress(string Phase, double Fraction);

/// <summary>One request of the measured rounds.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Prompt">What it was asked.</param>
/// <param name="Switched">Whether the request before it went to the other model.</param>
/// <param name="Result">What it came to.</param>
public sealed record SwitchSample(string Model, string Prompt, bool Switched, InferenceResult Result);

/// <summary>One model's part of the result. The times are medians.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="LoadTime">What loading it took, once.</param>
/// <param name="StayFirst">First token of a request that followed one to the same model.</param>
/// <param name="SwitchedFirst">First token of a request that followed one to the other model.</param>
/// <param name="TokensPerSecond">Generated tokens a second, after the first.</param>
public sealed record ModelSwitchResult(
    string Name, TimeSpan LoadTime, TimeSpan StayFirst, TimeSpan SwitchedFirst, double TokensPerSecond);

/// <summary>What a switch cost.</summary>
public sealed record SwitchBenchmarkResult
{
    /// <summary>The two models, in the order of the options.</summary>
    public required IReadOnlyList<ModelSwitchResult> Models { get; init; }

    /// <summary>One <see cref="IVai.Select(ModelHandle)"/>, in nanoseconds: the median of rounds of a hundred thousand, once they take as long as before.</summary>
    public required double SelectNanoseconds { get; init; }

    /// <summary>
    /// What a switch adds to the first token: switched minus staying, for the same model and prompt in the same round; the
    /// median over both models and all rounds. May be below zero, by noise.
    /// </summary>
    public required TimeSpan SwitchOverhead { get; init; }

    /// <summary>The spread of <see cref="SwitchOverhead"/>: the interquartile range of the same values.</summary>
    public required TimeSpan SwitchOverheadSpread { get; init; }

    /// <summary>First token when switched over first token when staying: the median over the same pairs; 1 is no cost.</summary>
    public required double SwitchRatio { get; init; }

    /// <summary>
    /// The same switch without VAI: free the resident model, load the other one, prefill, first token. A median.
    /// </summary>
    public required TimeSpan TraditionalSwitch { get; init; }

    /// <summary>The times that <see cref="TraditionalSwitch"/> is the median of.</summary>
    internal IReadOnlyList<TimeSpan> Traditional { get; init; } = [];

    /// <summary>Every measured request, in order.</summary>
    public required IReadOnlyList<SwitchSample> Samples { get; init; }
}
