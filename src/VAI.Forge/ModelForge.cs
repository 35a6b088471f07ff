using System.Diagnostics;
using VAI.Forge.Reciting;
using VAI.Forge.Shapes;
using VAI.Forge.Vocabulary;
using VAI.Forge.Weights;
using VAI.Native.Source;

namespace VAI.Forge;

/// <summary>
/// Makes GGUF files of real models' shapes with random weights: they load, tokenize and generate like the model whose
/// shape they have, at the same speed, and say nothing of sense. For tests, demos and benchmarks without a download.
/// </summary>
/// <remarks>
/// The bytes follow from the shape, the type, the seed and the vocabulary alone: not from the machine or its threads.
/// Control and unused tokens get much smaller weights, so that generation seldom stops by itself.
/// </remarks>
public static class ModelForge
{
    /// <summary>The shapes, the generally useful ones first.</summary>
    public static IReadOnlyList<ForgeShape> Shapes { get; } = [.. Catalog.All.Select(Published)];

    /// <summary>Makes one file. Its weights are never in memory as a whole.</summary>
    /// <param name="shape">Name or alias of one of <see cref="Shapes"/>, in any case.</param>
    /// <param name="outputFile">
    /// Where to write; in parts, what their names begin with. The directory must exist. The file is written under a temporary name beside it and renamed at the
    /// end: a cancelled or failed forge leaves nothing behind.
    /// </param>
    /// <param name="options">Seed, type and so on; null for the defaults.</param>
    /// <param name="progress">Told about a hundred times, from worker threads; what it throws ends the forge.</param>
    /// <param name="cancellationToken">Stops the work between two chunks of 2 MiB.</param>
    /// <returns>What was made.</returns>
    /// <exception cref="VaiUsageException">
    /// The shape is unknown, an option is out of range, the output exists and may not be replaced, or its directory does
    /// not exist (<see cref="VaiError.InvalidOption"/>), or there is no vocabulary file
    /// (<see cref="VaiError.FileNotFound"/>).
    /// </exception>
    /// <exception cref="VaiModelException">The vocabulary file is damaged or has no tokenizer.</exception>
    /// <exception cref="VaiEngineException">
    /// The output could not be written: no permission, or no space (<see cref="VaiError.FileNotWritable"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<ForgeResult> ForgeAsync(
        string shape,
        string outputFile,
        ForgeOptions? options = null,
        IProgress<ForgeProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(outputFile);
        return Task.Run(() => Run(shape, outputFile, options ?? new(), progress, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// Makes a model that says what is written: after any prompt it gives the script token by token, and ends. For tests of what
    /// comes after the engine: streams, reasoning, tool calls, clients.
    /// </summary>
    /// <remarks>
    /// The most likely token has a lead of 50 and more in the logits, so sampling at a temperature of 1 recites as well. What the next
    /// token is follows from the last 14 tokens: an answer that was cut short goes on where it ended, also when a prompt ends with the
    /// beginning of the script. The first token is one that no prompt has, where the script allows it.
    /// </remarks>
    /// <param name="outputFile">Where to write, as in <see cref="ForgeAsync"/>.</param>
    /// <param name="options">The script, and what the model's family writes around it.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <returns>What was made, with the tokens it will recite.</returns>
    /// <exception cref="VaiUsageException">
    /// An option is out of range, or the script repeats the same special tokens too often to tell where it is; or the output cannot be
    /// used, as in <see cref="ForgeAsync"/> (<see cref="VaiError.InvalidOption"/>).
    /// </exception>
    /// <exception cref="VaiEngineException">The output could not be written (<see cref="VaiError.FileNotWritable"/>).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<ReciterResult> ForgeReciterAsync(string outputFile, ReciterOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(outputFile);
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(() => Reciter.Forge(outputFile, options, cancellationToken), cancellationToken);
    }

    private static ForgeResult Run(
        string name, string file, ForgeOptions options, IProgress<ForgeProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        NamedShape shape = Catalog.Find(name);
        ForgeType type = options.Type ?? shape.DefaultType;
        int threads = options.Threads ?? Environment.ProcessorCount;
        Check(type, threads, options.Parts);
        // Before the vocabulary is made: a wrong name should not cost a second.
        var output = new ForgeOutput(file, options.Overwrite, options.Parts);
        ModelVocabulary vocabulary = options.VocabularyFile is { } source
            ? CopiedVocabulary.Read(source) : shape.Vocabulary.Build();
        var plan = ForgePlan.Create(shape, type, options.Seed, vocabulary, options.Parts);
        output.Write(
            plan.Files,
            (files, written) => new WeightWriter(files, options.Seed, vocabulary.QuietTokens, written).Write(plan.Tensors, threads, cancellationToken),
            progress,
            cancellationToken);
        return new ForgeResult
        {
            File = output.File,
            Shape = shape.Name,
            Type = type,
            Bytes = plan.TotalBytes,
            Parameters = plan.Tensors.Sum(tensor => tensor.Spec.Values),
            Tensors = plan.Tensors.Count,
            VocabularySize = vocabulary.Size,
            Elapsed = clock.Elapsed,
        };
    }

    private static void Check(ForgeType type, int threads, int parts)
    {
        if (!Enum.IsDefined(type))
        {
            throw new VaiUsageException(VaiError.InvalidOption,
                $"There is no type {(int)type}. Known types: {string.Join(", ", Enum.GetNames<ForgeType>())}.");
        }

        if (threads < 1)
            throw new VaiUsageException(VaiError.InvalidOption, $"Threads is {threads}; it must be 1 or more.");
        if (parts is < 1 or > GgufSplit.MaxParts)
            throw new VaiUsageException(VaiError.InvalidOption, $"Parts is {parts}; it must be 1 to {GgufSplit.MaxParts}.");
    }

    private static ForgeShape Published(NamedShape shape) =>
        new(shape.Name, shape.Aliases, shape.Family.Architecture, shape.Description)
        {
            DefaultType = shape.DefaultType,
            VocabularySize = shape.Vocabulary.Size,
            ApproximateBytes = ForgePlan.Estimate(shape),
        };
}
