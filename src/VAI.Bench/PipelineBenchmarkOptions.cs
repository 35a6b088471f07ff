using VAI.OptionRules;

namespace VAI.Bench;

/// <summary>What <see cref="PipelineBenchmark"/> can measure.</summary>
[Flags]
public enum PipelineParts
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>One session against a bare loop over the same native calls, on the first model.</summary>
    Single = 1,

    /// <summary>Eight sessions of the first model at once, against one.</summary>
    Batch = 2,

    /// <summary>Both models generating at once, against one after the other.</summary>
    Concurrent = 4,

    /// <summary>The first token after the other model, and while it generates.</summary>
    Switch = 8,

    /// <summary>A long prompt, and another one that begins like it.</summary>
    Prefix = 16,

    /// <summary>Forking a long session.</summary>
    Fork = 32,

    /// <summary>Parking a long session and bringing it back.</summary>
    Park = 64,

    /// <summary>Everything.</summary>
    All = Single | Batch | Concurrent | Switch | Prefix | Fork | Park,
}

/// <summary>What <see cref="PipelineBenchmark"/> measures, and how long. Lengths are in tokens.</summary>
public sealed record PipelineBenchmarkOptions
{
    /// <summary>What <see cref="Rounds"/> is unless set.</summary>
    public const int DefaultRounds = 10;

    /// <summary>What <see cref="Sessions"/> is unless set.</summary>
    public const int DefaultSessions = 1;

    /// <summary>What <see cref="Tokens"/> is unless set.</summary>
    public const int DefaultTokens = 64;

    /// <summary>What <see cref="PromptTokens"/> is unless set.</summary>
    public const int DefaultPromptTokens = 32;

    /// <summary>What <see cref="LongPromptTokens"/> is unless set.</summary>
    public const int DefaultLongPromptTokens = 1024;

    /// <summary>What <see cref="LongRounds"/> is unless set: a prompt of that length takes a while.</summary>
    public const int DefaultLongRounds = 3;

    /// <summary>Sessions of <see cref="PipelineParts.Batch"/>.</summary>
    public const int BatchSessions = 8;

    // Of a long prompt, the end that another one does not share: 24 of 1,024.
    internal const int Unshared = 24;

    /// <summary>One model; the parts that need one alone run on it.</summary>
    public required BenchModel First { get; init; }

    /// <summary>The other one, under another name.</summary>
    public required BenchModel Second { get; init; }

    /// <summary>What to measure.</summary>
    public PipelineParts Parts { get; init; } = PipelineParts.All;

    /// <summary>Sessions of each model at once in <see cref="PipelineParts.Concurrent"/>, 1 to 256.</summary>
    public int Sessions { get; init; } = DefaultSessions;

    /// <summary>Tokens that each session generates, 2 to 100,000.</summary>
    public int Tokens { get; init; } = DefaultTokens;

    /// <summary>Pairs of each comparison, 1 to 100,000.</summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>Length of a short prompt, 1 to 65,536.</summary>
    public int PromptTokens { get; init; } = DefaultPromptTokens;

    /// <summary>Length of a long prompt, 64 to 65,536.</summary>
    public int LongPromptTokens { get; init; } = DefaultLongPromptTokens;

    /// <summary>Repeats of what takes a long prompt, 1 to 1,000.</summary>
    public int LongRounds { get; init; } = DefaultLongRounds;

    /// <summary>As <see cref="VaiOptions.Threads"/>.</summary>
    public int? Threads { get; init; }

    /// <summary>As <see cref="ModelOptions.GpuLayers"/>, for both models.</summary>
    public int? GpuLayers { get; init; } = 0;

    /// <summary>As <see cref="ModelOptions.Devices"/>, for both models.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>As <see cref="ModelOptions.Profile"/>, for both models.</summary>
    public RomProfile Profile { get; init; } = RomProfile.Fast;

    /// <summary>As <see cref="VaiOptions.RomDirectory"/>.</summary>
    public string? RomDirectory { get; init; }

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    internal void Check()
    {
        if (First.Name == Second.Name)
            throw OptionCheck.Invalid($"Both models are called '{First.Name}'. Give each a name of its own.");
        if (Parts is PipelineParts.None or < 0 or > PipelineParts.All)
            throw OptionCheck.Invalid($"Parts is {Parts}: choose something to measure.");
        OptionCheck.Range(Sessions, 1, 256, nameof(Sessions));
        OptionCheck.Range(Tokens, 2, 100_000, nameof(Tokens));
        OptionCheck.Range(Rounds, 1, 100_000, nameof(Rounds));
        OptionCheck.Range(PromptTokens, 1, 65_536, nameof(PromptTokens));
        OptionCheck.Range(LongPromptTokens, 64, 65_536, nameof(LongPromptTokens));
        OptionCheck.Range(LongRounds, 1, 1000, nameof(LongRounds));
    }

    internal bool Has(PipelineParts part) => (Parts & part) != 0;

    /// <summary>The model with room for what is measured: every session at once, and two long ones.</summary>
    internal ModelOptions Model(BenchModel model)
    {
        const int FewestLines = 4, Slack = 64;
        int sessions = Math.Max(Has(PipelineParts.Concurrent) ? Sessions : 1, Has(PipelineParts.Batch) ? BatchSessions : 1);
        int brief = PromptTokens + Tokens + 1;

        // A parked session grows by two tokens, which each round takes back.
        int grown = LongPromptTokens + 4;
        int context = Math.Max(brief, Has(PipelineParts.Prefix | PipelineParts.Fork | PipelineParts.Park) ? grown : 0);
        int lines = Math.Max(sessions, FewestLines);
        int cells = Profile == RomProfile.Exact ? lines * context : Math.Max(2 * context, sessions * brief) + Slack;
        return new ModelOptions
        {
            Name = model.Name,
            File = model.File,
            ContextLength = context,
            SramTokens = cells,
            MaxSessions = lines,
            GpuLayers = GpuLayers,
            Devices = Devices,
            Profile = Profile,
        };
    }
}
