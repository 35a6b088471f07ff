using VAI.OptionRules;

namespace VAI.Bench.Report;

/// <summary>What a report measures, and where it goes.</summary>
internal sealed record ReportOptions
{
    /// <summary>Rounds unless set: enough for quartiles, few enough for twelve minutes with both peers.</summary>
    public const int DefaultRounds = 20;

    public const int DefaultTokens = 64;

    public const int DefaultProcesses = 4;

    public required BenchModel First { get; init; }

    public required BenchModel Second { get; init; }

    /// <summary>The directory for <c>report.md</c> and the plots; made if it is missing.</summary>
    public required string Directory { get; init; }

    /// <summary>How this program is started, before a verb.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>Makes a model of two small layers: in which file, and by which seed.</summary>
    public required Func<string, ulong, CancellationToken, Task> Forge { get; init; }

    /// <summary>How benchmarks/VAI.Benchmarks.LLamaSharp is started, before its arguments; null to leave it out.</summary>
    public IReadOnlyList<string>? LlamaSharp { get; init; }

    /// <summary>A server that answers llama-server's API and has both models; null for none.</summary>
    public Uri? Peer { get; init; }

    /// <summary>Rounds of first tokens, 1 to 1,000; other measures take half or a quarter of it.</summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>Tokens of each generation whose speed is measured, 2 to 10,000.</summary>
    public int Tokens { get; init; } = DefaultTokens;

    /// <summary>Processes that hold a model at once, 1 to 64.</summary>
    public int Processes { get; init; } = DefaultProcesses;

    /// <summary>Tokens of a long prompt, 64 to 65,536.</summary>
    public int LongPromptTokens { get; init; } = PipelineBenchmarkOptions.DefaultLongPromptTokens;

    /// <summary>How long a stream is looked at, beside busy threads, another process or under a quota.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long processes that do nothing are looked at.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Busy threads, a row each.</summary>
    public IReadOnlyList<int> Beside { get; init; } = [0, 1, 2];

    /// <summary>Processors' time of a control group, a row each.</summary>
    public IReadOnlyList<double> Quotas { get; init; } = [0.5, 1, 1.5];

    /// <summary>Models resident at once, a row each, ascending.</summary>
    public IReadOnlyList<int> Resident { get; init; } = [1, 2, 10, 100];

    public int? Threads { get; init; }

    public string? RomDirectory { get; init; }

    /// <summary>A ROM directory of the report's own: a daemon's belongs to it alone, and what is made for the time has its ROMs in none that stays.</summary>
    public string OwnRoms(string name) => $"{RomDirectory ?? Path.Combine("/dev/shm", $"vai-report-{Environment.ProcessId}")}-{name}";

    /// <summary>The threads as this program takes them.</summary>
    public string[] ThreadsLine => Threads is { } threads ? ["--threads", $"{threads}"] : [];

    /// <summary>A ROM directory as this program takes it.</summary>
    public static string[] RomLine(string? directory) => directory is null ? [] : ["--rom-dir", directory];

    /// <summary>How a process is started that holds models and measures when asked to.</summary>
    public IReadOnlyList<string> Hold(IEnumerable<string> files, string? romDirectory, string[] more) =>
        [.. Program, "hold", .. files, .. RomLine(romDirectory), .. more];

    /// <summary>The same of LLamaSharp with the first model.</summary>
    public IReadOnlyList<string> HoldLlamaSharp() =>
        [.. LlamaSharp!, Path.GetFullPath(First.File), $"{Threads ?? Residency.Cores.Physical}", $"{Tokens}", "--stay"];

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    public void Check()
    {
        OptionCheck.Range(Rounds, 1, 1000, nameof(Rounds));
        OptionCheck.Range(Tokens, 2, 10_000, nameof(Tokens));
        OptionCheck.Range(Processes, 1, 64, nameof(Processes));
        if (Peer is { } peer && (!peer.IsAbsoluteUri || peer.Scheme is not ("http" or "https")))
            throw OptionCheck.Invalid($"The peer is '{peer}', but must be a URL as http://127.0.0.1:8080.");
    }
}
