using VAI.Native.Abi;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.OptionRules;
using VAI.Pipeline.Steps;

namespace VAI.Residency;

/// <summary>From options to the shape of a bank and its steps: the defaults and the ranges that depend on the model.</summary>
internal static class Geometry
{
    private const int DefaultContextLength = 4096;
    private const int GpuStep = 512;

    // llama.cpp rounds a separate part for each sequence up to these cells.
    private const int PartUnit = 256;

    /// <summary>Texts that an encoder's lane has at once.</summary>
    public const int Texts = 64;

    // Of the machine's memory, for contexts in which cores compute texts side by side.
    private const int TextsShare = 64;

    // With fewer rows weights are read for too little, and more bring nothing to a few threads. Measured on two cores (AVX-512), in
    // steps of 32, 64, 128, 256 and 512: 45 M parameters read a prompt at 1,012, 1,259, 1,560, 1,554 and 1,518 tokens/s, 1.5 G at 110, 120, 117,
    // 115 and 120.
    private const int LeastStep = 64;
    private const int FewThreads = 4;
    private const int MostStepOfFew = 128;
    private const int MostStep = 512;

    // What a core computes in half a second, roughly: the order of magnitude is what matters. A step is what others wait for.
    private const double OperationsOfAStep = 3e10;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: an option does not suit the model.</exception>
    public static ModelOptions Resolve(ModelOptions o, ModelInfo info, int threads)
    {
        bool exact = o.Profile == RomProfile.Exact;
        int contextLength = o.ContextLength ?? Math.Min(info.TrainingContextLength, DefaultContextLength);
        OptionCheck.Range(contextLength, 1, info.TrainingContextLength, $"The context of '{o.Name}'");
        int sram = o.SramTokens ?? contextLength;
        OptionCheck.Range(sram, contextLength, 1 << 26, $"The SRAM (in tokens) of '{o.Name}'");
        OptionCheck.Range(o.MaxSessions, 1, NativeLoader.EnsureLoaded().MaxSequences, $"The number of sessions of '{o.Name}'");

        // Separate parts of the bank are of one size, and each must hold the longest session.
        int sessions = exact ? Math.Min(o.MaxSessions, sram / contextLength) : o.MaxSessions;
        int batch = exact ? Schedule.Chunk : o.BatchSize ?? Step(o, info, threads);
        if (o.MicroBatchSize is { } micro)
            OptionCheck.Range(micro, 1, batch + sessions, $"{nameof(o.MicroBatchSize)} of '{o.Name}'");
        bool quantised = o.ValueType is KvType.Q4_0 or KvType.Q8_0;
        if (quantised && (exact || o.FlashAttention == FlashAttention.Off))
        {
            throw OptionCheck.Invalid(
                $"A ValueType of {o.ValueType} needs flash attention, which '{o.Name}' {(exact ? "cannot use under profile exact" : "has set to Off")}. "
                + $"Use {KvType.F16}{(exact ? "" : ", or set FlashAttention to On")}.");
        }

        if (exact && o.FlashAttention == FlashAttention.On)
            throw OptionCheck.Invalid($"Profile exact of '{o.Name}' uses flash attention only where its bits do not depend on the number of threads. Leave it at Auto.");
        return o with
        {
            ContextLength = contextLength,
            SramTokens = exact ? sessions * contextLength : sram,
            MaxSessions = sessions,
            BatchSize = batch,
            FlashAttention = exact && !FusesAlike(o, contextLength) ? FlashAttention.Off : o.FlashAttention,
        };
    }

    // Flash attention computes one row on one thread, whatever is beside it, until there are 512 cells: then the threads share a row's,
    // and its bits depend on how many they are. A session's part of the bank is rounded up to 256.
    private static bool FusesAlike(ModelOptions o, int contextLength) =>
        contextLength <= PartUnit && o is { WantsGpu: false, KeyType: KvType.F16, ValueType: KvType.F16 };

    /// <param name="o">Resolved options.</param>
    /// <param name="info">The model.</param>
    /// <param name="threads">Compute threads.</param>
    public static LlamaContextSettings Of(ModelOptions o, ModelInfo info, int threads)
    {
        bool exact = o.Profile == RomProfile.Exact, apart = IsApart(o, info);

        // Room for a token of every session beside the prompts. An encoder sees its whole text in one step; on a GPU as many as fit beside it,
        // where llama.cpp ends the process if its rows are no multiple of its sequences (ggml_can_mul_mat).
        int rows = apart ? o.ContextLength!.Value
            : info.IsEmbedding ? RoundUp(Math.Max(o.ContextLength!.Value, o.BatchSize!.Value), Texts)
            : Math.Min(o.BatchSize!.Value, o.SramTokens!.Value) + o.MaxSessions;
        return new LlamaContextSettings
        {
            Cells = exact ? o.MaxSessions * RoundUp(o.ContextLength!.Value, PartUnit) : o.SramTokens!.Value,
            BatchSize = rows,
            MicroBatchSize = info.IsEmbedding ? rows : Math.Min(rows, o.MicroBatchSize ?? rows),
            // One of an encoder's is for rows that fill a step up.
            MaxSequences = apart ? 1 : info.IsEmbedding ? Texts : o.MaxSessions,

            // Slices are copied through it. Who asks for every sequence that llama.cpp has goes without: there a copy is made whole.
            SpareSequences = info.IsEmbedding || exact || o.MaxSessions >= NativeLoader.EnsureLoaded().MaxSequences ? 0 : 1,
            Threads = threads,
            TypeK = (int)o.KeyType,
            TypeV = (int)o.ValueType,
            // Flash attention's sums depend on what else is in the step (1.5e-3 of a vector of length 1), and texts are short.
            FlashAttention = (int)(info.IsEmbedding && o.FlashAttention == FlashAttention.Auto ? FlashAttention.Off : o.FlashAttention),
            Embeddings = info.IsEmbedding,
            UnifiedKv = !exact || info.IsEmbedding,
        };
    }

    /// <summary>Whether it is an encoder on the CPU, which computes each text by itself: <see cref="EncoderCores"/>.</summary>
    public static bool IsApart(ModelOptions o, ModelInfo info) => info.IsEmbedding && !o.WantsGpu;

    /// <summary>
    /// In how many contexts, beside that of all cores, texts are computed side by side: one for each core, unless that took more than a
    /// small part of the machine's memory.
    /// </summary>
    /// <param name="bytes">What one takes.</param>
    /// <param name="threads">Compute threads.</param>
    public static int CoresOfTexts(long bytes, int threads) =>
        threads > 1 && bytes * threads <= MostOfTexts(MemoryRoom.Read().Total) ? threads : 0;

    /// <summary>Most that these take.</summary>
    /// <param name="total">The machine's memory.</param>
    public static long MostOfTexts(long total) => total / TextsShare;

    /// <summary>About what a bank takes: 16-bit keys and values of every layer.</summary>
    public static long SramBytes(ModelOptions o, ModelInfo info) =>
        4L * info.Layers * info.EmbeddingLength * Math.Max(1, info.KvHeads) / Math.Max(1, info.Heads) * o.SramTokens!.Value;

    private static int RoundUp(int n, int unit) => (n + unit - 1) / unit * unit;

    private static int Step(ModelOptions o, ModelInfo info, int threads)
    {
        if (o.WantsGpu)
            return GpuStep;
        double tokens = OperationsOfAStep * threads / (2.0 * Math.Max(1, info.Parameters));
        int step = LeastStep, most = threads > FewThreads ? MostStep : MostStepOfFew;
        while (step * 2 <= Math.Min(tokens, most))
            step *= 2;
        return step;
    }
}
