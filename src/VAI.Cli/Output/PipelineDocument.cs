using VAI.Bench;

namespace VAI.Cli.Output;

internal sealed record PipelineModelBody(
    string Name,
    double Share,
    int Steps,
    double StepMs,
    long StepTokens,
    double FirstMsP50,
    double FirstMsP99,
    double InterTokenMsP50,
    double InterTokenMsP99,
    double AloneFirstMsP50,
    double AloneFirstMsP99,
    double AloneInterTokenMsP50,
    double AloneInterTokenMsP99);

/// <summary>What a part that was not chosen would have measured is null.</summary>
internal sealed record PipelineDocument
{
    public required string ModelA { get; init; }

    public required string ModelB { get; init; }

    public double? SingleRatio { get; init; }

    public double? SingleTps { get; init; }

    public double? BareTps { get; init; }

    public int? BatchSessions { get; init; }

    public double? BatchTps { get; init; }

    public double? OneTps { get; init; }

    public double? BatchRatio { get; init; }

    public int? Sessions { get; init; }

    public int? SerialTokens { get; init; }

    public int? ConcurrentTokens { get; init; }

    public double? SerialTps { get; init; }

    public double? ConcurrentTps { get; init; }

    public double? ConcurrentRatio { get; init; }

    public double? ShareA { get; init; }

    public double? ShareB { get; init; }

    public IReadOnlyList<PipelineModelBody>? Models { get; init; }

    public double? StayFirstMs { get; init; }

    public double? SwitchedFirstMs { get; init; }

    public double? SwitchFirstRatio { get; init; }

    public double? BusyFirstMs { get; init; }

    public double? BusyQueueMs { get; init; }

    public double? BusyFirstRatio { get; init; }

    public int? PrefixTokens { get; init; }

    public int? PrefixSharedTokens { get; init; }

    public int? PrefixReusedTokens { get; init; }

    public double? PrefixColdFirstMs { get; init; }

    public double? PrefixReusedFirstMs { get; init; }

    public double? PrefixRatio { get; init; }

    public int? ForkTokens { get; init; }

    public double? ForkUs { get; init; }

    public double? ForkFirstMs { get; init; }

    public int? ForkReusedTokens { get; init; }

    public int? ParkTokens { get; init; }

    public double? ParkMs { get; init; }

    public double? RestoreMs { get; init; }

    public int? ParkReusedTokens { get; init; }

    public static PipelineDocument Of(PipelineBenchmarkResult r) => new()
    {
        ModelA = r.Models[0],
        ModelB = r.Models[1],
        SingleRatio = Number(r.Single?.Ratio),
        SingleTps = Number(r.Single?.TokensPerSecond),
        BareTps = Number(r.Single?.BareTokensPerSecond),
        BatchSessions = r.Batch?.Sessions,
        BatchTps = Number(r.Batch?.TokensPerSecond),
        OneTps = Number(r.Batch?.OneTokensPerSecond),
        BatchRatio = Number(r.Batch?.Ratio),
        Sessions = r.Concurrent?.Sessions,
        SerialTokens = r.Concurrent?.SerialTokens,
        ConcurrentTokens = r.Concurrent?.ConcurrentTokens,
        SerialTps = Number(r.Concurrent?.SerialTokensPerSecond),
        ConcurrentTps = Number(r.Concurrent?.ConcurrentTokensPerSecond),
        ConcurrentRatio = Number(r.Concurrent?.Ratio),
        ShareA = Number(r.Concurrent?.Models[0].Share),
        ShareB = Number(r.Concurrent?.Models[1].Share),
        Models = r.Concurrent is { } c ? [.. c.Models.Select(Body)] : null,
        StayFirstMs = Ms(r.Switch?.StayFirst),
        SwitchedFirstMs = Ms(r.Switch?.SwitchedFirst),
        SwitchFirstRatio = Number(r.Switch?.SwitchRatio),
        BusyFirstMs = Ms(r.Switch?.BusyFirst),
        BusyQueueMs = Ms(r.Switch?.BusyQueue),
        BusyFirstRatio = Number(r.Switch?.BusyRatio),
        PrefixTokens = r.Prefix?.PromptTokens,
        PrefixSharedTokens = r.Prefix?.SharedTokens,
        PrefixReusedTokens = r.Prefix?.ReusedTokens,
        PrefixColdFirstMs = Ms(r.Prefix?.ColdFirst),
        PrefixReusedFirstMs = Ms(r.Prefix?.ReusedFirst),
        PrefixRatio = Number(r.Prefix?.Ratio),
        ForkTokens = r.Fork?.Tokens,
        ForkUs = Number(r.Fork?.Fork.TotalMicroseconds),
        ForkFirstMs = Ms(r.Fork?.First),
        ForkReusedTokens = r.Fork?.ReusedTokens,
        ParkTokens = r.Park?.Tokens,
        ParkMs = Ms(r.Park?.Park),
        RestoreMs = Ms(r.Park?.Restore),
        ParkReusedTokens = r.Park?.ReusedTokens,
    };

    /// <summary>Prints it for people.</summary>
    public void Print()
    {
        foreach (PipelineModelBody m in Models ?? [])
        {
            Console.Out.WriteLine(
                $"{m.Name}: {m.Share:P1} of the step time with both at work; first token {m.FirstMsP50:F1} ms (p99 {m.FirstMsP99:F1}), "
                + $"between tokens {m.InterTokenMsP50:F1} ms (p99 {m.InterTokenMsP99:F1}); alone {m.AloneFirstMsP50:F1} ms "
                + $"(p99 {m.AloneFirstMsP99:F1}) and {m.AloneInterTokenMsP50:F1} ms (p99 {m.AloneInterTokenMsP99:F1})");
        }

        Format.Rows(
            ("one session / bare loop", If(SingleRatio, $"{SingleRatio:F3} ({SingleTps:F1} of {BareTps:F1} tok/s)")),
            ($"{BatchSessions} sessions of {ModelA}", If(BatchTps, $"{BatchTps:F1} tok/s; one {OneTps:F1} tok/s; ratio {BatchRatio:F2}")),
            ("both at once / in turn", If(ConcurrentRatio, $"{ConcurrentRatio:F3} ({ConcurrentTps:F1} of {SerialTps:F1} tok/s)")),
            ("switched / staying", If(SwitchFirstRatio, $"{SwitchFirstRatio:F3} ({SwitchedFirstMs:F2} of {StayFirstMs:F2} ms)")),
            ($"while {ModelB} generates", If(BusyFirstMs, $"{BusyFirstMs:F2} ms, {BusyQueueMs:F2} ms of it queueing; the rest / staying {BusyFirstRatio:F3}")),
            ("shared prefix / cold", If(PrefixRatio, $"{PrefixRatio:F3} ({PrefixReusedFirstMs:F1} of {PrefixColdFirstMs:F1} ms, {PrefixReusedTokens} of {PrefixTokens} tokens reused)")),
            ("fork", If(ForkUs, $"{ForkUs:F0} us for {ForkTokens} tokens, first token {ForkFirstMs:F2} ms")),
            ("park", If(ParkMs, $"{ParkMs:F2} ms for {ParkTokens} tokens; bringing them back {RestoreMs:F2} ms")));

        static string? If(double? measured, string text) => measured is null ? null : text;
    }

    private static PipelineModelBody Body(ConcurrentModel m) => new(
        m.Name,
        Format.Number(m.Share),
        m.Steps,
        Format.Ms(m.StepTime),
        m.Rows,
        Format.Ms(m.Both.FirstP50),
        Format.Ms(m.Both.FirstP99),
        Format.Ms(m.Both.IntervalP50),
        Format.Ms(m.Both.IntervalP99),
        Format.Ms(m.Alone.FirstP50),
        Format.Ms(m.Alone.FirstP99),
        Format.Ms(m.Alone.IntervalP50),
        Format.Ms(m.Alone.IntervalP99));

    private static double? Number(double? value) => value is { } v ? Format.Number(v) : null;

    private static double? Ms(TimeSpan? time) => time is { } t ? Format.Ms(t) : null;
}
