using VAI.Native.Source;
using VAI.OptionRules;

namespace VAI.Bench;

/// <summary>A model to measure.</summary>
/// <param name="Name">The name it goes by in the result.</param>
/// <param name="File">Its GGUF file, or the name of its ROM.</param>
public sealed record BenchModel(string Name, string File)
{
    private const int LongestName = 100;

    /// <summary>Names two files after themselves; the second gets a number where both names are the same.</summary>
    /// <param name="first">A GGUF file, or the name of a ROM.</param>
    /// <param name="second">Another one, or the same.</param>
    /// <returns>The two models.</returns>
    public static (BenchModel First, BenchModel Second) FromFiles(string first, string second)
    {
        ArgumentException.ThrowIfNullOrEmpty(first);
        ArgumentException.ThrowIfNullOrEmpty(second);
        string a = NameOf(first), b = NameOf(second);
        return (new BenchModel(a, first), new BenchModel(a == b ? b + "-2" : b, second));
    }

    private static string NameOf(string file)
    {
        // A ROM's name may hold dots of its own.
        string name = file.EndsWith(".gguf", StringComparison.Ordinal) ? SplitName.StemOf(file) : Path.GetFileName(file);
        if (name.Length == 0)
            return "model";
        return name.Length <= LongestName ? name : name[..LongestName];
    }
}

/// <summary>What <see cref="SwitchBenchmark"/> measures, and how long.</summary>
public sealed record SwitchBenchmarkOptions
{
    /// <summary>What <see cref="Rounds"/> is unless set: enough pairs for noise of a tenth to average out.</summary>
    public const int DefaultRounds = 30;

    /// <summary>What <see cref="TokensPerResponse"/> is unless set.</summary>
    public const int DefaultTokensPerResponse = 8;

    /// <summary>One model.</summary>
    public required BenchModel First { get; init; }

    /// <summary>The other one, under another name.</summary>
    public required BenchModel Second { get; init; }

    /// <summary>Rounds of four requests, 1 to 100,000: each model once after itself and once after the other.</summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>Tokens to generate in each request, 1 to 100,000.</summary>
    public int TokensPerResponse { get; init; } = DefaultTokensPerResponse;

    /// <summary>How often the switch is done the traditional way, by freeing and loading; 1 to 1,000.</summary>
    public int TraditionalRepeats { get; init; } = 3;

    /// <summary>As <see cref="VaiOptions.Threads"/>; of no effect on an engine that exists already.</summary>
    public int? Threads { get; init; }

    /// <summary>As <see cref="ModelOptions.ContextLength"/>, for both models.</summary>
    public int? ContextLength { get; init; }

    /// <summary>As <see cref="ModelOptions.GpuLayers"/>, for both models.</summary>
    public int? GpuLayers { get; init; } = 0;

    /// <summary>As <see cref="ModelOptions.Devices"/>, for both models.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>As <see cref="ModelOptions.Profile"/>, for both models; the traditional way is always without a ROM.</summary>
    public RomProfile Profile { get; init; } = RomProfile.Fast;

    /// <summary>As <see cref="VaiOptions.RomDirectory"/>; of no effect on an engine that exists already.</summary>
    public string? RomDirectory { get; init; }

    internal void Check()
    {
        if (First.Name == Second.Name)
            throw OptionCheck.Invalid($"Both models are called '{First.Name}'. Give each a name of its own.");
        OptionCheck.Range(Rounds, 1, 100_000, nameof(Rounds));
        OptionCheck.Range(TokensPerResponse, 1, 100_000, nameof(TokensPerResponse));
        OptionCheck.Range(TraditionalRepeats, 1, 1000, nameof(TraditionalRepeats));
    }

    internal ModelOptions Model(BenchModel model) =>
        new() { Name = model.Name, File = model.File, ContextLength = ContextLength, GpuLayers = GpuLayers, Devices = Devices, Profile = Profile };
}
