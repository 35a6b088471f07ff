namespace VAI.Bench.Report;

/// <summary>Everything that a report says, as it is printed for scripts. Times are in milliseconds and memory in bytes.</summary>
internal sealed record ReportFigures(
    Machine Machine,
    IReadOnlyList<ReportModel> Models,
    ReportSize Size,
    IReadOnlyList<SideFigures> Sides,
    double SelectNs,
    Figure FreeAndLoadMs,
    IReadOnlyList<AttachFigures> Attach,
    PipelineFigures Pipeline,
    MemoryFigures Memory,
    IReadOnlyList<ProgramFigures> Programs,
    ColdStartFigures ColdStart,
    IReadOnlyList<BusyFigures> Busy,
    double BackMs,
    TwoProcessFigures TwoProcesses,
    IReadOnlyList<QuotaFigures> Quotas,
    IReadOnlyList<ResidentFigures> Resident,
    double Seconds)
{
    /// <summary>The files that were written.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}

internal sealed record ReportModel(string Name, long FileBytes);

/// <summary>How much of each was measured.</summary>
internal sealed record ReportSize(
    int Rounds, int ThroughputRounds, int Loads, int Tokens, int Processes, int LongPromptTokens, double WindowMs, double IdleMs);

/// <summary>What VAI and the peer are both measured by.</summary>
/// <param name="Name"><c>VAI</c>, <c>VAI over HTTP</c>, or the peer's.</param>
/// <param name="StayMs">First token of a request that follows one to the same model.</param>
/// <param name="SwitchedMs">First token of one that follows one to the other model.</param>
/// <param name="SwitchRatio">The second over the first, of the same model and round.</param>
/// <param name="SwitchAddsMs">Their difference.</param>
/// <param name="AloneTps">Tokens a second of both models, one after the other.</param>
/// <param name="TogetherTps">The same with both at once.</param>
/// <param name="TogetherRatio">Together over alone, of the same round.</param>
internal sealed record SideFigures(
    string Name,
    Figure StayMs,
    Figure SwitchedMs,
    Figure SwitchRatio,
    Figure SwitchAddsMs,
    Figure AloneTps,
    Figure TogetherTps,
    Figure TogetherRatio)
{
    public static SideFigures Of(string name, IReadOnlyList<FirstToken> firsts, IReadOnlyList<Speeds> speeds)
    {
        // Of one model and one moment: what drifts weighs on both alike.
        (double Stay, double Switched)[] pairs =
        [
            .. firsts.Chunk(4).SelectMany(round => round.GroupBy(f => f.Model)
                .Select(model => (model.Single(f => !f.Switched).Ms, model.Single(f => f.Switched).Ms))),
        ];
        return new SideFigures(
            name,
            Figure.Of(pairs.Select(p => p.Stay)),
            Figure.Of(pairs.Select(p => p.Switched)),
            Figure.Of(pairs.Select(p => p.Switched / p.Stay)),
            Figure.Of(pairs.Select(p => p.Switched - p.Stay)),
            Figure.Of(speeds.Select(s => s.Alone)),
            Figure.Of(speeds.Select(s => s.Together)),
            Figure.Of(speeds.Select(s => s.Together / s.Alone)));
    }
}

/// <summary>The first token of one request; four make a round, each model once staying and once switched to.</summary>
internal readonly record struct FirstToken(string Model, bool Switched, double Ms);

/// <summary>Tokens a second of the same work with the models one after the other and at once.</summary>
internal readonly record struct Speeds(double Alone, double Together);

/// <summary>A ROM against llama.cpp's own load of the same file.</summary>
internal sealed record AttachFigures(
    string Model, Figure LoadMs, Figure AttachMs, double Ratio, double PrefillRatio, double DecodeRatio, bool TokensIdentical, long RomBytes);

/// <summary>The rest of the pipeline's measures, on the first model; as the fields of <see cref="PipelineBenchmarkResult"/>.</summary>
internal sealed record PipelineFigures(
    double SingleRatio,
    double SingleTps,
    int BatchSessions,
    double BatchRatio,
    double BatchTps,
    double PrefixRatio,
    int PrefixTokens,
    int PrefixReusedTokens,
    double ForkUs,
    double ParkMs,
    double BusyFirstMs)
{
    public static PipelineFigures Of(PipelineBenchmarkResult r) => new(
        Math.Round(r.Single!.Ratio, 3),
        Math.Round(r.Single.TokensPerSecond, 1),
        r.Batch!.Sessions,
        Math.Round(r.Batch.Ratio, 3),
        Math.Round(r.Batch.TokensPerSecond, 1),
        Math.Round(r.Prefix!.Ratio, 3),
        r.Prefix.PromptTokens,
        r.Prefix.ReusedTokens,
        Math.Round(r.Fork!.Fork.TotalMicroseconds, 1),
        Math.Round(r.Park!.Park.TotalMilliseconds, 3),
        Math.Round(r.Switch!.BusyFirst.TotalMilliseconds, 3));
}

/// <summary>Processes that hold the first model at once: from one ROM, each with llama.cpp's own load, and the peer's if its server is local.</summary>
internal sealed record MemoryFigures(
    IReadOnlyList<ProcessMemory> Attached, IReadOnlyList<ProcessMemory> Loaded, IReadOnlyList<ProcessMemory> Peer);
