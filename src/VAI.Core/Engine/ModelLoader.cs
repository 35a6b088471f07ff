using System.Diagnostics;
using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Llama;

namespace VAI.Engine;

/// <summary>From options to a resident model: gate, weights, SRAM bank. Undoes what it did if a later part fails.</summary>
internal sealed class ModelLoader(Pipeline pipeline, LlamaThreadpool pool, RomLoader roms)
{
    private const int DefaultContextLength = 4096;

    public ModelContext Load(ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        void Report(LoadPhase phase, double fraction) => progress?.Report(new LoadProgress(options.Name, phase, fraction));

        Report(LoadPhase.Checking, 0);
        cancellationToken.ThrowIfCancellationRequested();
        if (!Enum.IsDefined(options.Profile))
            throw OptionCheck.Invalid($"'{options.Name}' has a Profile that is none of the enumeration's.");
        LlamaModelSettings settings = Settings(options);
        settings.Check(NativeLoader.EnsureLoaded());
        Weights weights = options.Profile == RomProfile.None
            ? FromFile(options, settings, Report, cancellationToken)
            : roms.Load(options, settings, info => Resolve(options, info), Report, cancellationToken);
        LlamaContext? context = null;
        try
        {
            ModelOptions resolved = Resolve(options, weights.Info);
            Report(LoadPhase.Sram, 0);
            context = new LlamaContext(weights.Model, ContextSettings(resolved, weights.Info));
            if (weights.Info.IsEmbedding)
                context.RequirePooling(weights.Info.File);
            context.Attach(pool);
            cancellationToken.ThrowIfCancellationRequested();
            var loaded = new ModelContext(resolved, weights, context, pipeline)
            {
                OnGpu = RomLoader.UsesGpu(settings),
                LoadTime = Stopwatch.GetElapsedTime(start),
            };
            roms.Note(loaded);
            Report(LoadPhase.Done, 1);
            return loaded;
        }
        catch
        {
            context?.Dispose();
            weights.Dispose();
            throw;
        }
    }

    private static LlamaModelSettings Settings(ModelOptions o) =>
        new() { GpuLayers = o.GpuLayers, MainGpu = o.MainGpu, TensorSplit = o.TensorSplit?.ToArray() };

    // Without a ROM: llama.cpp maps the file itself.
    private static Weights FromFile(
        ModelOptions options, LlamaModelSettings settings, Action<LoadPhase, double> report, CancellationToken cancellationToken)
    {
        ModelInfo info;
        using (var file = GgufFile.Open(options.File))
        {
            GgufModelInfo.From(file).Validate();
            info = ModelInfo.From(file);
        }

        Resolve(options, info);
        var model = LlamaModel.Load(options.File, settings, fraction => report(LoadPhase.Weights, fraction), cancellationToken);
        return new Weights(model, info, SwitchClass.Loaded);
    }

    /// <summary>Fills in the defaults that depend on the model, and checks every range.</summary>
    private static ModelOptions Resolve(ModelOptions o, ModelInfo info)
    {
        int contextLength = o.ContextLength ?? Math.Min(info.TrainingContextLength, DefaultContextLength);
        OptionCheck.Range(contextLength, 1, info.TrainingContextLength, $"{nameof(o.ContextLength)} of '{o.Name}'");
        int sram = o.SramTokens ?? contextLength;
        OptionCheck.Range(sram, contextLength, 1 << 26, $"{nameof(o.SramTokens)} of '{o.Name}'");
        OptionCheck.Range(o.MaxSessions, 1, NativeLoader.EnsureLoaded().MaxSequences, $"{nameof(o.MaxSessions)} of '{o.Name}'");
        OptionCheck.Range(o.BatchSize, 1, 65_536, $"{nameof(o.BatchSize)} of '{o.Name}'");
        int micro = o.MicroBatchSize ?? Math.Min(512, o.BatchSize);
        OptionCheck.Range(micro, 1, o.BatchSize, $"{nameof(o.MicroBatchSize)} of '{o.Name}'");
        if (!Enum.IsDefined(o.KeyType) || !Enum.IsDefined(o.ValueType) || !Enum.IsDefined(o.FlashAttention))
            throw OptionCheck.Invalid($"'{o.Name}' has a KeyType, ValueType or FlashAttention that is none of the enumeration's.");
        if (o.ValueType is KvType.Q4_0 or KvType.Q8_0 && o.FlashAttention == FlashAttention.Off)
            throw OptionCheck.Invalid($"A ValueType of {o.ValueType} needs flash attention. Set FlashAttention of '{o.Name}' to On.");
        return o with { ContextLength = contextLength, SramTokens = sram, MicroBatchSize = micro };
    }

    private LlamaContextSettings ContextSettings(ModelOptions o, ModelInfo info) => new()
    {
        Cells = o.SramTokens!.Value,

        // An encoder sees its whole text in one step.
        BatchSize = info.IsEmbedding ? o.ContextLength!.Value : Math.Min(o.BatchSize, o.SramTokens.Value),
        MicroBatchSize = info.IsEmbedding ? o.ContextLength!.Value : Math.Min(o.MicroBatchSize!.Value, o.SramTokens.Value),
        MaxSequences = info.IsEmbedding ? 1 : o.MaxSessions,
        Threads = pool.Threads,
        TypeK = (int)o.KeyType,
        TypeV = (int)o.ValueType,
        FlashAttention = (int)o.FlashAttention,
        Embeddings = info.IsEmbedding,
    };
}
