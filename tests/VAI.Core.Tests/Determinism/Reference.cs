using System.Security.Cryptography;
using VAI.Native.Llama;

namespace VAI.Core.Tests.Determinism;

/// <summary>A part of a session's history: what was given, or what was generated.</summary>
internal readonly record struct Piece(int[] Tokens, bool Generated);

/// <summary>
/// One sequence, alone in llama.cpp, on one thread and on weights that it packs by itself: the canonical schedule written out once more, from
/// shared/native/rom.md and not from the engine. Prompts are cut at multiples of 32, each chunk a step; generated tokens are steps of one.
/// </summary>
internal sealed class Reference : IDisposable
{
    private readonly LlamaModel _model;
    private readonly LlamaContext _context;
    private readonly LlamaThreadpool _pool = new(1);
    private int _computed;
    private int _sequence;

    /// <param name="file">The model.</param>
    /// <param name="contextLength">Tokens of a sequence.</param>
    /// <param name="sequences">Places for sequences, of which one is used at a time: a saved one says which of how many it was.</param>
    public Reference(string file, int contextLength, int sequences)
    {
        _model = LlamaModel.Load(file, new LlamaModelSettings { Repack = true });
        _context = new LlamaContext(_model, new LlamaContextSettings
        {
            Cells = (contextLength + 255) / 256 * 256 * sequences,
            BatchSize = 64,
            MicroBatchSize = 64,
            MaxSequences = sequences,
            Threads = 1,
            FlashAttention = contextLength <= 256 ? -1 : 0,
            UnifiedKv = false,
        });
        _context.Attach(_pool);
    }

    /// <summary>What a transaction after this history generates.</summary>
    public int[] Generate(IReadOnlyList<Piece> history, InferenceOptions options, int tokens)
    {
        Compute(history);
        using var sampler = new NativeChain(_model.Vocab.Count, options) { OrdersEqual = true };
        foreach (int token in history.SelectMany(p => p.Tokens))
            sampler.Accept(token);
        int[] generated = new int[tokens];
        for (int i = 0; i < tokens; i++)
        {
            if (i > 0)
                Step([generated[i - 1]]);
            generated[i] = sampler.Choose(_context.Logits(_context.Batch.Count - 1).ToArray(), _computed);
            sampler.Accept(generated[i]);
        }

        return generated;
    }

    /// <summary>The logits after a history.</summary>
    public float[] Logits(IReadOnlyList<Piece> history)
    {
        Compute(history);
        return _context.Logits(_context.Batch.Count - 1).ToArray();
    }

    /// <summary>A digest of the KV of the first tokens of a history, as llama.cpp saves it.</summary>
    public byte[] KvOf(IReadOnlyList<Piece> history, int tokens, int sequence)
    {
        Compute(history, tokens, sequence);
        byte[] state = new byte[_context.StateBytes(sequence)];
        Assert.Equal(state.Length, _context.SaveState(sequence, state));
        return SHA256.HashData(state);
    }

    public void Dispose()
    {
        _context.Dispose();
        _pool.Dispose();
        _model.Dispose();
    }

    private void Compute(IReadOnlyList<Piece> history, int tokens = int.MaxValue, int sequence = 0)
    {
        _context.Clear(_sequence);
        (_computed, _sequence) = (0, sequence);
        foreach (Piece piece in history)
        {
            for (int at = 0; at < piece.Tokens.Length && _computed < tokens;)
            {
                int length = piece.Generated ? 1 : Math.Min(32 - (_computed % 32), piece.Tokens.Length - at);
                Step(piece.Tokens.AsSpan(at, length));
                at += length;
            }
        }
    }

    private void Step(ReadOnlySpan<int> tokens)
    {
        _context.Batch.Clear();
        for (int i = 0; i < tokens.Length; i++)
            _context.Batch.Add(tokens[i], _computed + i, _sequence, logits: i == tokens.Length - 1);
        Assert.Equal(DecodeStatus.Ok, _context.Decode());
        _computed += tokens.Length;
    }
}
