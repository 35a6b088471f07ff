using System.Diagnostics;
using VAI.Native.Handles;
using VAI.Native.Interop;
using VAI.Native.Llama;

namespace VAI.Bench;

/// <summary>
/// The same native calls as the engine's, with nothing around them: what its output and its speed are compared with.
/// </summary>
internal sealed unsafe class BareLoop : IDisposable
{
    private readonly LlamaModel _model;
    private readonly LlamaModel? _owned;
    private readonly LlamaContext _context;
    private readonly LlamaThreadpool _pool;
    private readonly LlamaSamplerHandle _greedy;
    private readonly nint _memory;

    /// <summary>On a file of its own, without a ROM.</summary>
    public BareLoop(string file, int contextLength, int threads, int batchSize = 512, int maxSequences = 8)
        : this(LlamaModel.Load(file, new LlamaModelSettings()), new LlamaContextSettings
        {
            Cells = contextLength,
            BatchSize = batchSize,
            MicroBatchSize = batchSize,
            MaxSequences = maxSequences,
            Threads = threads,
        })
    {
        _owned = _model;
    }

    /// <summary>On weights that are loaded and stay their owner's, so that nothing but the loop differs.</summary>
    public BareLoop(LlamaModel model, LlamaContextSettings settings)
    {
        _model = model;
        _context = new LlamaContext(model, settings);
        _pool = new LlamaThreadpool(settings.Threads);
        _context.Attach(_pool);
        _memory = LlamaNative.llama_get_memory(_context.Handle);
        _greedy = new LlamaSamplerHandle(LlamaNative.llama_sampler_init_greedy());
    }

    /// <summary>When the last call had its first token, as a <see cref="Stopwatch"/> timestamp.</summary>
    public long FirstToken { get; private set; }

    public int[] Tokenize(string text) => _model.Vocab.Tokenize(text, addSpecial: true, parseSpecial: true);

    /// <summary>Greedy tokens after a prompt, written to <paramref name="output"/>; stops at an end of generation.</summary>
    public int Generate(ReadOnlySpan<int> prompt, Span<int> output)
    {
        LlamaNative.llama_memory_clear(_memory, false);
        LlamaBatch batch = _context.Batch;
        int most = _context.Settings.BatchSize;
        for (int from = 0; from < prompt.Length; from += most)
        {
            int count = Math.Min(most, prompt.Length - from);
            batch.Clear();
            for (int i = 0; i < count; i++)
                batch.Add(prompt[from + i], from + i, 0, logits: from + i == prompt.Length - 1);
            Check(LlamaNative.llama_decode(_context.Handle, batch.Native));
        }

        int row = batch.Count - 1;
        for (int i = 0; i < output.Length; i++)
        {
            int token = LlamaNative.llama_sampler_sample(_greedy, _context.Handle, row);
            output[i] = token;
            if (i == 0)
                FirstToken = Stopwatch.GetTimestamp();
            if (LlamaNative.llama_vocab_is_eog(_model.Vocab.Pointer, token))
                return i + 1;
            if (i == output.Length - 1)
                break;
            batch.Clear();
            batch.Add(token, prompt.Length + i, 0, logits: true);
            Check(LlamaNative.llama_decode(_context.Handle, batch.Native));
            row = 0;
        }

        return output.Length;
    }

    public void Dispose()
    {
        _greedy.Dispose();
        _context.Dispose();
        _pool.Dispose();
        _owned?.Dispose();
    }

    private static void Check(int status)
    {
        if (status != 0)
            throw new InvalidOperationException($"llama_decode returned {status}.");
    }
}
