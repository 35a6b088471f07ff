using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>What a decode step came to (<c>llama_decode</c>).</summary>
internal enum DecodeStatus
{
    /// <summary>The step is in the KV cache and its outputs can be read.</summary>
    Ok = 0,

    /// <summary>No room in the KV cache; nothing changed.</summary>
    SramFull = 1,

    /// <summary>The abort callback stopped the step.</summary>
    Aborted = 2,
}

/// <summary>The geometry of a context. Lengths in tokens.</summary>
internal sealed record LlamaContextSettings
{
    public required int Cells { get; init; }
    public required int BatchSize { get; init; }
    public required int MicroBatchSize { get; init; }
    public required int MaxSequences { get; init; }

    /// <summary>Sequences beyond these, of which nothing is ever computed: one through which slices are copied, or 0.</summary>
    public int SpareSequences { get; init; }

    public int Sequences => MaxSequences + SpareSequences;
    public required int Threads { get; init; }

    /// <summary>ggml types of the K and V cache.</summary>
    public int TypeK { get; init; } = 1;
    public int TypeV { get; init; } = 1;

    /// <summary>-1 automatic, 0 off, 1 on.</summary>
    public int FlashAttention { get; init; } = -1;

    public bool Embeddings { get; init; }

    /// <summary>One pool of cells for all sequences rather than an equal part for each.</summary>
    public bool UnifiedKv { get; init; } = true;
}

/// <summary>
/// A llama.cpp context: the KV cache and the compute scratch of one model. Used by one thread at a time, which is the
/// pipeline's. Every number is bounded here, because llama.cpp answers a wrong one by ending the process.
/// </summary>
internal sealed unsafe class LlamaContext : IDisposable
{
    private readonly LlamaModel _model;
    private readonly nint _memory;
    private readonly AbortFlag _abort = new();
    private readonly Func<bool> _ended;

    /// <summary>Creates the context; its KV cache is cleared, which costs up to seconds per GB.</summary>
    /// <exception cref="VaiEngineException">llama.cpp could not create it, in general for want of memory.</exception>
    public LlamaContext(LlamaModel model, LlamaContextSettings settings)
    {
        ContextParamsTable t = NativeLoader.EnsureLoaded().Abi.Context;
        _model = model;
        _ended = () => _abort.IsUp;
        Threads = settings.Threads;
        Settings = settings;
        ParamsBlob p = LlamaNative.llama_context_default_params();
        p.Set(t.ContextLength, settings.Cells);

        // llama.cpp asserts room for an output of each sequence, and sizes that room by the batch.
        p.Set(t.BatchSize, Math.Max(settings.BatchSize, settings.Sequences));
        p.Set(t.MicroBatchSize, settings.MicroBatchSize);
        p.Set(t.MaxSequences, settings.Sequences);
        p.Set(t.Threads, settings.Threads);
        p.Set(t.ThreadsBatch, settings.Threads);
        p.Set(t.FlashAttention, settings.FlashAttention);
        p.Set(t.TypeK, settings.TypeK);
        p.Set(t.TypeV, settings.TypeV);
        p.Set(t.Embeddings, Flag(settings.Embeddings));
        p.Set(t.NoPerf, Flag(true));
        p.Set(t.KvUnified, Flag(settings.UnifiedKv));

        NativeLog.CollectErrors();
        NativeLog.CollectLines(ContextMemory.Concerns);
        nint context = LlamaNative.llama_init_from_model(model.Handle, p);
        IReadOnlyList<string> errors = NativeLog.TakeErrors();
        Memory = ContextMemory.Parse(NativeLog.TakeLines());
        if (context == 0)
        {
            throw new VaiEngineException(
                VaiError.OutOfMemory,
                $"llama.cpp could not create a context of {settings.Cells} tokens: {(errors.Count > 0 ? errors[0] : "no reason given")}. "
                + "Use a shorter context, a smaller KV type, or free memory.");
        }

        Handle = new LlamaContextHandle(context, model.Handle);
        LlamaNative.llama_set_abort_callback(Handle, &AbortFlag.IsRaised, _abort.Address);
        _memory = LlamaNative.llama_get_memory(Handle);
        Cells = (int)LlamaNative.llama_n_ctx(Handle);
        Pooling = LlamaNative.llama_pooling_type(Handle);
        Batch = new LlamaBatch(settings.BatchSize, model.Vocab.Count, settings.MaxSequences, model.Rows);
    }

    public LlamaContextHandle Handle { get; }

    /// <summary>How many threads compute its next step.</summary>
    public int Threads { get; private set; }

    public LlamaContextSettings Settings { get; }

    /// <summary>The batch of this context's next step.</summary>
    public LlamaBatch Batch { get; }

    /// <summary>KV cells, as llama.cpp rounded them up.</summary>
    public int Cells { get; }

    /// <summary>What llama.cpp said while it made the context of the memory it takes.</summary>
    public ContextMemory Memory { get; }

    /// <summary><c>enum llama_pooling_type</c>: 0 none, 1 mean, 2 CLS, 3 last.</summary>
    public int Pooling { get; }

    /// <summary>Refuses an encoder whose output is no embedding of a text: one that does not pool, or that ranks.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public void RequirePooling(string file)
    {
        const int Mean = 1, Last = 3;
        if (Pooling is not (>= Mean and <= Last))
        {
            throw new VaiModelException(
                VaiError.InvalidModel,
                $"'{file}' is an embedding model that pools by method {Pooling}. VAI embeds by mean, CLS or last token: "
                + "use a conversion with a pooling_type of 1 to 3.");
        }
    }

    /// <summary>Tokens of the model's vocabulary.</summary>
    public int Vocabulary => _model.Vocab.Count;

    /// <summary>Length of an embedding.</summary>
    public int EmbeddingLength => _model.EmbeddingLength;

    /// <summary>Whether the model keeps anything between steps (an encoder does not).</summary>
    public bool HasMemory => _memory != 0;

    /// <summary>Where its model's weights are.</summary>
    public WeightPlaces Places => _model.Places;

    /// <summary>Has its next steps computed by these threads, and by all of them: at most as many as it was made for.</summary>
    public void Attach(LlamaThreadpool pool)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pool.Threads, Settings.Threads);
        Handle.Attach(pool.Handle);
        LlamaNative.llama_set_n_threads(Handle, pool.Threads, pool.Threads);
        Threads = pool.Threads;
    }

    /// <summary>Runs the batch. Its rows are checked when they are added.</summary>
    /// <exception cref="VaiEngineException">The step failed in a way that the checks should have excluded.</exception>
    public DecodeStatus Decode()
    {
        if (Batch.Count == 0)
            throw new VaiUsageException(VaiError.InvalidOption, "The batch is empty: add a token before decoding.");
        NativeLog.Until(_ended);
        int status = LlamaNative.llama_decode(Handle, Batch.Native);
        NativeLog.Until(null);
        return status is >= 0 and <= 2 ? (DecodeStatus)status : ThrowFailed(status);
    }

    /// <summary>The logits of a row of the last batch: one per token of the vocabulary. Valid until the next decode.</summary>
    public ReadOnlySpan<float> Logits(int row) => Row(row);

    /// <summary>The pooled embedding of a sequence of the last batch. Valid until the next decode.</summary>
    public ReadOnlySpan<float> Embedding(int sequence)
    {
        CheckSequence(sequence);
        float* embedding = LlamaNative.llama_get_embeddings_seq(Handle, sequence);
        return embedding is null ? ThrowNoOutput(sequence) : new ReadOnlySpan<float>(embedding, _model.EmbeddingLength);
    }

    /// <summary>
    /// Ends the running step soon, where the backend looks for it (the CPU does, between two operations); from any thread. If
    /// none runs, the next one is ended unless <see cref="ClearAbort"/> comes first.
    /// </summary>
    public void RequestAbort() => _abort.Raise();

    /// <summary>Forgets a request that came too late for its step, and says when the next one is to end of itself.</summary>
    /// <param name="deadline">A <see cref="System.Diagnostics.Stopwatch"/> timestamp; <see cref="long.MaxValue"/> for never.</param>
    public void ClearAbort(long deadline = long.MaxValue) => _abort.Clear(deadline);

    /// <summary>Whether the last step was ended by its time.</summary>
    public bool WasLate => _abort.IsLate;

    /// <summary>Whether nothing but the step itself is computed again after one that was ended: no state and no window is lost with it.</summary>
    public bool CanRepeat => Memory.StateBytes == 0 && _model.SlidingWindow <= 0;

    /// <summary>Forgets the positions from <paramref name="from"/> on.</summary>
    /// <returns>
    /// False if the sequence cannot go on from there, and must be cleared: memory that cannot forget a part (recurrent models), or
    /// a sliding window that has already left behind what it would look back at.
    /// </returns>
    public bool Truncate(int sequence, int from)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        if (!HasMemory)
            return true;
        CheckSequence(sequence);
        return LlamaNative.llama_memory_seq_rm(_memory, sequence, from, -1) && HoldsWindow(sequence, from);
    }

    /// <summary>Gives a cleared sequence the first positions of another: the same cells where both are in one pool, else a copy.</summary>
    /// <returns>As <see cref="Truncate"/>.</returns>
    public bool Share(int source, int target, int length)
    {
        CheckSequence(source);
        CheckSequence(target);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfEqual(source, target);
        if (!HasMemory)
            return true;

        if (Settings.UnifiedKv)
            LlamaNative.llama_memory_seq_cp(_memory, source, target, 0, length);
        else if (!Copy(source, target))
            return false;
        return Truncate(target, length);
    }

    // Between separate streams llama.cpp's own copy comes with the next decode, and takes what the source holds by then.
    private bool Copy(int source, int target)
    {
        long bytes = StateBytes(source);
        void* state = NativeMemory.Alloc((nuint)bytes);
        try
        {
            var span = new Span<byte>(state, checked((int)bytes));
            return SaveState(source, span) == bytes && LoadState(target, span);
        }
        finally
        {
            NativeMemory.Free(state);
        }
    }

    /// <summary>Bytes of a sequence's KV as <see cref="SaveState"/> writes it.</summary>
    public long StateBytes(int sequence)
    {
        CheckSequence(sequence);
        return (long)LlamaNative.llama_state_seq_get_size(Handle, sequence);
    }

    /// <summary>Copies a sequence's KV out.</summary>
    /// <returns>Bytes written, or 0: it does not fit.</returns>
    public long SaveState(int sequence, Span<byte> to)
    {
        CheckSequence(sequence);
        fixed (byte* start = to)
            return (long)LlamaNative.llama_state_seq_get_data(Handle, start, (nuint)to.Length, sequence);
    }

    /// <summary>Replaces a sequence's KV by a copy. The bytes must be <see cref="SaveState"/>'s own: llama.cpp trusts them.</summary>
    /// <returns>False, and the sequence is cleared, if there is no room or they are of another geometry.</returns>
    public bool LoadState(int sequence, ReadOnlySpan<byte> from)
    {
        Clear(sequence);
        NativeLog.CollectErrors();
        nuint read;
        fixed (byte* start = from)
            read = LlamaNative.llama_state_seq_set_data(Handle, start, (nuint)from.Length, sequence);
        _ = NativeLog.TakeErrors();
        if (read == (nuint)from.Length)
            return true;
        Clear(sequence);
        return false;
    }

    /// <summary>
    /// Whether a part of a sequence can be copied by itself. In one pool of cells it can, by way of the spare sequence; between separate
    /// streams, and of a recurrent state, llama.cpp copies all or nothing.
    /// </summary>
    public bool CanSlice => Settings is { UnifiedKv: true, SpareSequences: > 0 } && Memory is { StateBytes: 0, Caches.Count: > 0 };

    /// <summary>Begins to copy positions out: <see cref="EndSlice"/> must follow.</summary>
    /// <returns>Bytes that it will take.</returns>
    public long BeginSlice(int sequence, int from, int to)
    {
        CheckSequence(sequence);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(to, from);
        if (!CanSlice)
            throw new InvalidOperationException("This context copies whole sequences only.");
        LlamaNative.llama_memory_seq_cp(_memory, sequence, Spare, from, to);
        return StateBytes(Spare);
    }

    /// <summary>Copies out what <see cref="BeginSlice"/> has taken; into nothing if it is not wanted after all.</summary>
    /// <returns>Bytes written, or 0: it does not fit.</returns>
    public long EndSlice(Span<byte> to)
    {
        long written = to.IsEmpty ? 0 : SaveState(Spare, to);
        Clear(Spare);
        return written;
    }

    /// <summary>Adds to a sequence what <see cref="EndSlice"/> copied out, as <see cref="LoadState"/> replaces one.</summary>
    /// <returns>False, and nothing changed, if there is no room or they are of another geometry.</returns>
    public bool LoadSlice(int sequence, ReadOnlySpan<byte> from)
    {
        CheckSequence(sequence);
        if (!CanSlice || !LoadState(Spare, from))
            return false;
        LlamaNative.llama_memory_seq_cp(_memory, Spare, sequence, -1, -1);
        Clear(Spare);
        return true;
    }

    private int Spare => Settings.MaxSequences;

    /// <summary>Forgets a whole sequence.</summary>
    public void Clear(int sequence)
    {
        if (!HasMemory)
            return;
        CheckSequence(sequence);
        LlamaNative.llama_memory_seq_rm(_memory, sequence, -1, -1);
    }

    /// <summary>The last position held for a sequence, or -1.</summary>
    public int LastPosition(int sequence)
    {
        if (!HasMemory)
            return -1;
        CheckSequence(sequence);
        return LlamaNative.llama_memory_seq_pos_max(_memory, sequence);
    }

    public void Dispose()
    {
        Handle.Dispose();
        Batch.Dispose();
    }

    // Source: llama.cpp's server, which recomputes a prompt on the same condition.
    private bool HoldsWindow(int sequence, int length)
    {
        if (_model.SlidingWindow <= 0 || length == 0)
            return true;
        int oldest = LlamaNative.llama_memory_seq_pos_min(_memory, sequence);
        return oldest >= 0 && oldest <= Math.Max(0, length - _model.SlidingWindow);
    }

    private static byte Flag(bool value) => value ? (byte)1 : (byte)0;

    private void CheckSequence(int sequence) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)sequence, (uint)Settings.Sequences, nameof(sequence));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<float> Row(int row)
    {
        float* logits = Batch.HasOutput(row) ? LlamaNative.llama_get_logits_ith(Handle, row) : null;
        return logits is null ? ThrowNoOutput(row) : new Span<float>(logits, _model.Vocab.Count);
    }

    private static Span<float> ThrowNoOutput(int row) =>
        throw new VaiEngineException(VaiError.NativeFailure, $"Row {row} of the last step has no output.");

    private static DecodeStatus ThrowFailed(int status) =>
        throw new VaiEngineException(
            VaiError.NativeFailure,
            $"llama_decode failed with {status}. The session's tokens are kept: try again; if it fails again, unload the model and "
            + "report the native log.");
}
