namespace VAI.Native.Abi;

/// <summary>
/// Byte offsets of the fields VAI sets in <c>llama_model_params</c>. <see cref="Absent"/> where a layout lacks the field.
/// </summary>
internal sealed record ModelParamsTable
{
    public const int Absent = -1;

    public required string Name { get; init; }
    public required int Size { get; init; }

    /// <summary>The end of the last field: what a compiler writes at least, the rest up to the size being padding.</summary>
    public required int WrittenEnd { get; init; }

    public int Devices { get; init; }
    public int TensorBufferTypeOverrides { get; init; } = 8;
    public int GpuLayers { get; init; } = 16;
    public int SplitMode { get; init; } = 20;
    public int LoadMode { get; init; } = Absent;
    public int DefaultLoadMode { get; init; }
    public required int MainGpu { get; init; }
    public required int TensorSplit { get; init; }
    public required int ProgressCallback { get; init; }
    public required int ProgressUserData { get; init; }
    public int UseMmap { get; init; } = Absent;
    public required int UseExtraBufferTypes { get; init; }

    // Two flags behind it in every layout.
    public int NoAlloc => UseExtraBufferTypes + 2;
}

/// <summary>Byte offsets of the fields VAI sets in <c>llama_context_params</c>.</summary>
internal sealed record ContextParamsTable
{
    public required string Name { get; init; }
    public required int Size { get; init; }
    public required int WrittenEnd { get; init; }

    // The first four have not moved in any layout.
    public int ContextLength => 0;
    public int BatchSize => 4;
    public int MicroBatchSize => 8;
    public int MaxSequences => 12;
    public required int Threads { get; init; }

    // Every layout keeps these runs together, so that one offset gives the others.
    public int ThreadsBatch => Threads + 4;
    public required int RopeScaling { get; init; }
    public int Pooling => RopeScaling + 4;
    public int Attention => RopeScaling + 8;
    public int FlashAttention => RopeScaling + 12;
    public int YarnExtFactor => RopeScaling + 24;
    public required int TypeK { get; init; }
    public int TypeV => TypeK + 4;
    public required int AbortCallback { get; init; }
    public int AbortUserData => AbortCallback + 8;
    public required int Embeddings { get; init; }
    public int OffloadKqv => Embeddings + 1;
    public int NoPerf => Embeddings + 2;
    public int OpOffload => Embeddings + 3;
    public int SwaFull => Embeddings + 4;
    public int KvUnified => Embeddings + 5;

    /// <summary>Whether <c>llama_sampler_init_penalties</c> takes the vocabulary's size first.</summary>
    public required bool PenaltiesTakeVocabulary { get; init; }
}

/// <summary>The layout of a loaded libllama: one table for each of the two structs.</summary>
internal sealed record AbiTable(ModelParamsTable Model, ContextParamsTable Context)
{
    /// <summary>What <c>vai doctor</c> prints, for example <c>model v0.4+ / context v0.4, v0.5</c>.</summary>
    public string Name => $"model {Model.Name} / context {Context.Name}";
}
