using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>
/// The tokens of one decode step, in native memory allocated once. Used by one thread at a time. The owning
/// <see cref="LlamaContext"/> says what ids, positions and sequences are allowed, and every add is checked against it.
/// </summary>
internal sealed unsafe class LlamaBatch : IDisposable
{
    private readonly int _vocabulary;
    private readonly int _maxSequences;
    private readonly EmbeddingRows? _rows;
    private llama_batch _batch;

    internal LlamaBatch(int capacity, int vocabulary, int maxSequences, EmbeddingRows? rows = null)
    {
        Capacity = capacity;
        _vocabulary = vocabulary;
        _maxSequences = maxSequences;
        _rows = rows;
        if (rows is null)
            _batch.token = (int*)NativeMemory.Alloc((nuint)capacity, sizeof(int));
        else
            _batch.embd = (float*)NativeMemory.Alloc((nuint)capacity, (nuint)rows.Length * sizeof(float));
        _batch.pos = (int*)NativeMemory.Alloc((nuint)capacity, sizeof(int));
        _batch.n_seq_id = (int*)NativeMemory.Alloc((nuint)capacity, sizeof(int));
        _batch.logits = (byte*)NativeMemory.Alloc((nuint)capacity, sizeof(byte));
        _batch.seq_id = (int**)NativeMemory.Alloc((nuint)capacity, (nuint)sizeof(int*));
        int* sequences = (int*)NativeMemory.Alloc((nuint)capacity, sizeof(int));
        for (int i = 0; i < capacity; i++)
        {
            _batch.n_seq_id[i] = 1;
            _batch.seq_id[i] = sequences + i;
        }
    }

    ~LlamaBatch() => Free();

    /// <summary>The most tokens one step can take.</summary>
    public int Capacity { get; }

    public int Count => _batch.n_tokens;

    internal llama_batch Native => _batch;

    public void Clear() => _batch.n_tokens = 0;

    /// <summary>Adds a token.</summary>
    /// <param name="token">Its id.</param>
    /// <param name="position">Its position in the sequence, from 0.</param>
    /// <param name="sequence">Its sequence.</param>
    /// <param name="logits">Whether this row's logits (or embedding) are wanted.</param>
    /// <exception cref="VaiUsageException">A number is out of its range: llama.cpp would abort the process.</exception>
    public void Add(int token, int position, int sequence, bool logits)
    {
        int i = _batch.n_tokens;
        if (i >= Capacity || (uint)token >= (uint)_vocabulary || position < 0 || (uint)sequence >= (uint)_maxSequences)
            ThrowOutOfRange(token, position, sequence);
        if (_rows is null)
            _batch.token[i] = token;
        else
            _rows.Read(token, _batch.embd + ((long)i * _rows.Length));
        _batch.pos[i] = position;
        *_batch.seq_id[i] = sequence;
        _batch.logits[i] = logits ? (byte)1 : (byte)0;
        _batch.n_tokens = i + 1;
    }

    /// <summary>Whether the row exists and was asked for its output.</summary>
    public bool HasOutput(int row) => (uint)row < (uint)_batch.n_tokens && _batch.logits[row] != 0;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void ThrowOutOfRange(int token, int position, int sequence) =>
        throw new VaiUsageException(
            VaiError.InvalidOption,
            $"Token {token} at position {position} of sequence {sequence} does not fit into row {_batch.n_tokens} of a batch of "
            + $"{Capacity} rows, {_vocabulary} token ids and {_maxSequences} sequences.");

    private void Free()
    {
        if (_batch.pos is null)
            return;
        NativeMemory.Free(_batch.seq_id[0]);
        NativeMemory.Free(_batch.seq_id);
        NativeMemory.Free(_batch.token);
        NativeMemory.Free(_batch.embd);
        NativeMemory.Free(_batch.pos);
        NativeMemory.Free(_batch.n_seq_id);
        NativeMemory.Free(_batch.logits);
        _batch = default;
    }
}
