using System.Buffers;
using System.Text;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>A model's tokenizer. Thread-safe: llama.cpp only reads it.</summary>
internal sealed unsafe class LlamaVocab
{
    /// <summary>Longest text of one call, in UTF-8 bytes: tokenizers cost up to quadratic time per word.</summary>
    public const int MaxTextBytes = 16 << 20;

    private readonly LlamaModelHandle _model;
    private readonly nint _vocab;

    internal LlamaVocab(LlamaModelHandle model)
    {
        _model = model;
        _vocab = LlamaNative.llama_model_get_vocab(model);
        Count = LlamaNative.llama_vocab_n_tokens(_vocab);
    }

    /// <summary>Number of tokens: ids are 0 to this minus 1.</summary>
    public int Count { get; }

    internal nint Pointer => _vocab;

    public bool Contains(int token) => (uint)token < (uint)Count;

    /// <summary>Whether the token ends a generation (end of sequence, end of turn ...).</summary>
    public bool IsEndOfGeneration(int token)
    {
        Check(token);
        using Hold _ = new(_model);
        return LlamaNative.llama_vocab_is_eog(_vocab, token);
    }

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">At most <see cref="MaxTextBytes"/> as UTF-8.</param>
    /// <param name="addSpecial">Adds what the model wants around a prompt, such as the beginning-of-sequence token.</param>
    /// <param name="parseSpecial">Reads the text of control tokens as those tokens.</param>
    public int[] Tokenize(string text, bool addSpecial, bool parseSpecial)
    {
        ArgumentNullException.ThrowIfNull(text);
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > MaxTextBytes)
        {
            throw new VaiUsageException(
                VaiError.ContextFull,
                $"The text has {bytes} bytes; at most {MaxTextBytes} can be tokenized in one call. Split it.");
        }

        byte[] utf8 = ArrayPool<byte>.Shared.Rent(bytes + 1);
        int[] tokens = ArrayPool<int>.Shared.Rent(bytes + 8);
        try
        {
            Encoding.UTF8.GetBytes(text, utf8);
            using Hold _ = new(_model);
            fixed (byte* source = utf8)
            {
                int count = Call(source, bytes, tokens, addSpecial, parseSpecial);
                if (count < 0)
                {
                    if (count == int.MinValue)
                        throw new VaiUsageException(VaiError.ContextFull, "The text has too many tokens to count. Split it.");

                    // The buffer was too small by the tokens a model adds: -count is the room it needs.
                    ArrayPool<int>.Shared.Return(tokens);
                    tokens = ArrayPool<int>.Shared.Rent(-count);
                    count = Call(source, bytes, tokens, addSpecial, parseSpecial);
                }

                if (count < 0)
                    throw new VaiEngineException(VaiError.NativeFailure, $"llama.cpp could not tokenize a text of {bytes} bytes.");
                return tokens.AsSpan(0, count).ToArray();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
            ArrayPool<int>.Shared.Return(tokens);
        }
    }

    /// <summary>Writes the bytes of a token: they may be a part of a UTF-8 character.</summary>
    /// <returns>The bytes written, or minus the room needed if the buffer is too small.</returns>
    public int Piece(int token, Span<byte> buffer, bool special)
    {
        Check(token);
        using Hold _ = new(_model);
        fixed (byte* target = buffer)
            return LlamaNative.llama_token_to_piece(_vocab, token, target, buffer.Length, 0, special);
    }

    private int Call(byte* text, int bytes, int[] tokens, bool addSpecial, bool parseSpecial)
    {
        fixed (int* target = tokens)
            return LlamaNative.llama_tokenize(_vocab, text, bytes, target, tokens.Length, addSpecial, parseSpecial);
    }

    private void Check(int token)
    {
        if (!Contains(token))
        {
            throw new VaiUsageException(
                VaiError.InvalidOption, $"Token {token} is not in the vocabulary: ids are 0 to {Count - 1}.");
        }
    }

    // The vocabulary is a part of the model: each call keeps the model from being freed under it.
    private readonly ref struct Hold
    {
        private readonly LlamaModelHandle _model;
        private readonly bool _held;

        public Hold(LlamaModelHandle model)
        {
            _model = model;
            model.DangerousAddRef(ref _held);
        }

        public void Dispose()
        {
            if (_held)
                _model.DangerousRelease();
        }
    }
}
