using VAI.OptionRules;

namespace VAI.Bench.Report;

/// <summary>What a report measures, and where it goes.</summary>
internal sealed record ReportOptions
{
    /// <summary>Rounds unless set: enough for quartiles, few enough for five minutes with a peer.</summary>
    public const int DefaultRounds = 20;

    public const int DefaultTokens = 64;

    public const int DefaultProcesses = 4;

    public required BenchModel First { get; init; }

    public required BenchModel Second { get; init; }

    /// <summary>The directory for <c>report.md</c> and the plots; made if it is missing.</summary>
    public required string Directory { get; init; }

    /// <summary>How this program is started with the verb <c>hold</c>, which keeps one model loaded.</summary>
    public required IReadOnlyList<string> Holder { get; init; }

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

    public int? Threads { get; init; }

    public string? RomDirectory { get; init; }

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
