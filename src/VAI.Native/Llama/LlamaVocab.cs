using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using VAI.Native.Handles;
using VAI.Native.Interop;
using VAI.Native.Text;

namespace VAI.Native.Llama;

/// <summary>A model's tokenizer. Thread-safe: llama.cpp only reads it.</summary>
internal sealed unsafe class LlamaVocab
{
    /// <summary>Longest text of one call, in UTF-8 bytes: tokenizers cost up to quadratic time per word.</summary>
    public const int MaxTextBytes = 16 << 20;

    private readonly LlamaModelHandle _model;
    private readonly nint _vocab;
    private readonly Lazy<SpecialTexts> _specials;
    private readonly Lazy<SpecialTexts> _userSpecials;
    private readonly Lazy<int> _longestPiece;
    private readonly Lazy<bool> _addsSpace;
    private readonly Lazy<(int[] Front, int[] Back)> _affixes;
    private readonly Lazy<KnownCharacters> _characters;
    private readonly Lazy<bool> _spellsAll;

    internal LlamaVocab(LlamaModelHandle model)
    {
        _model = model;
        _vocab = LlamaNative.llama_model_get_vocab(model);
        Count = LlamaNative.llama_vocab_n_tokens(_vocab);
        Kind = TokenizerKind.Of(Metadata("tokenizer.ggml.model"), Metadata("tokenizer.ggml.pre"));
        _specials = new(() => new SpecialTexts(this, control: true));
        _userSpecials = new(() => new SpecialTexts(this, control: false));
        _longestPiece = new(FindLongestPiece);
        _addsSpace = new(FindAddsSpace);
        _affixes = new(FindAffixes);
        _characters = new(() => new KnownCharacters(this));
        _spellsAll = new(() => !Kind.WantsBytes || Characters.SpellAll);
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

    /// <summary>How texts may be cut for it.</summary>
    public TokenizerKind Kind { get; }

    /// <summary>What it has tokens for.</summary>
    public KnownCharacters Characters => _characters.Value;

    /// <summary>What must not be cut, with control tokens and without.</summary>
    public SpecialTexts Specials(bool control) => (control ? _specials : _userSpecials).Value;

    /// <summary>
    /// The tokens of a text in one call of llama.cpp, which may take as much stack and time as it likes: for texts that are
    /// known to be harmless. <see cref="TextTokens"/> takes any.
    /// </summary>
    /// <param name="text">At most <see cref="MaxTextBytes"/> as UTF-8.</param>
    /// <param name="addSpecial">Adds what the model wants around a prompt, such as the beginning-of-sequence token.</param>
    /// <param name="parseSpecial">Reads the text of control tokens as those tokens.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.ContextFull"/>: it is too long; <see cref="VaiError.InvalidOption"/>: the vocabulary cannot spell it.
    /// </exception>
    public int[] Tokenize(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial)
    {
        int bytes = CheckLength(text);
        CheckCharacters(text);
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(bytes + 1);
        int[]? tokens = null;
        try
        {
            Encoding.UTF8.GetBytes(text, utf8);
            tokens = ArrayPool<int>.Shared.Rent(bytes + 8);
            int count = Call(utf8.AsSpan(0, bytes), tokens, addSpecial, parseSpecial);
            if (count < 0 && count != int.MinValue)
            {
                // The buffer was too small by the tokens a model adds: -count is the room it needs.
                int[] small = tokens;
                tokens = null;
                ArrayPool<int>.Shared.Return(small);
                tokens = ArrayPool<int>.Shared.Rent(-count);
                count = Call(utf8.AsSpan(0, bytes), tokens, addSpecial, parseSpecial);
            }

            if (count == int.MinValue)
                throw new VaiUsageException(VaiError.ContextFull, "The text has too many tokens to count. Split it.");
            if (count < 0)
                throw new VaiEngineException(VaiError.NativeFailure, $"llama.cpp could not tokenize a text of {bytes} bytes.");
            return tokens.AsSpan(0, count).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
            if (tokens is not null)
                ArrayPool<int>.Shared.Return(tokens);
        }
    }

    /// <summary>The text's length as UTF-8, in bytes.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.ContextFull"/>: more than <see cref="MaxTextBytes"/>.</exception>
    public static int CheckLength(ReadOnlySpan<char> text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= MaxTextBytes ? bytes : throw new VaiUsageException(
            VaiError.ContextFull, $"The text has {bytes} bytes; at most {MaxTextBytes} can be tokenized in one call. Split it.");
    }

    /// <summary>What is put before and behind a prompt.</summary>
    public (int[] Front, int[] Back) Affixes => _affixes.Value;

    private (int[] Front, int[] Back) FindAffixes()
    {
        int[] both = Tokenize("", addSpecial: true, parseSpecial: false);
        using Hold _ = new(_model);
        int front = both.Length > 1 || LlamaNative.llama_vocab_get_add_bos(_vocab) ? Math.Min(1, both.Length) : 0;
        return (both[..front], both[front..]);
    }

    /// <summary>Whether a text is begun with a space that it does not have.</summary>
    public bool AddsSpace => _addsSpace.Value;

    /// <summary>A token's text as the file has it.</summary>
    public string Text(int token)
    {
        Check(token);
        using Hold _ = new(_model);
        return Marshal.PtrToStringUTF8(LlamaNative.llama_vocab_get_text(_vocab, token)) ?? "";
    }

    /// <summary>Whether a token is found in a text before all else.</summary>
    public bool IsSpecial(int token) => (Attributes(token) & (TokenAttributes.Unknown | TokenAttributes.Control | TokenAttributes.UserDefined)) != 0;

    /// <summary>What a token is.</summary>
    public TokenAttributes Attributes(int token)
    {
        Check(token);
        using Hold _ = new(_model);
        return (TokenAttributes)LlamaNative.llama_vocab_get_attr(_vocab, token);
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

    /// <summary>
    /// The most bytes of a text that one token can stand for; <see cref="int.MaxValue"/> where it could be any number.
    /// </summary>
    public int LongestPiece => _longestPiece.Value;

    private int FindLongestPiece()
    {
        var bytes = new HashSet<byte>();
        int longest = 1;
        Span<byte> first = stackalloc byte[1];
        for (int token = 0; token < Count; token++)
        {
            // Stripped whitespace is in no token's piece.
            if ((Attributes(token) & (TokenAttributes.StripsLeft | TokenAttributes.StripsRight)) != 0)
                return int.MaxValue;
            int length = Piece(token, first, special: true);
            if (length == 1)
                bytes.Add(first[0]);
            longest = Math.Max(longest, Math.Abs(length));
        }

        // A byte that is no token is left out of a text.
        return Kind.KeepsBytes && bytes.Count == 256 ? longest : int.MaxValue;
    }

    // llama.cpp ends the process on what SentencePiece can spell neither by characters nor by bytes.
    private void CheckCharacters(ReadOnlySpan<char> text)
    {
        if (_spellsAll.Value || Characters.FindUnknown(text) is not { } unknown)
            return;
        throw new VaiUsageException(
            VaiError.InvalidOption,
            $"The model's vocabulary has no token for U+{unknown.Value:X4}, nor for its bytes. Leave the character out, or use another conversion of the model.");
    }

    private bool FindAddsSpace()
    {
        if (!_spellsAll.Value && Characters.FindUnknown("a") is not null)
            return false;
        Span<byte> piece = stackalloc byte[16];
        return Tokenize("a", addSpecial: false, parseSpecial: false) is [int first, ..]
            && Piece(first, piece, special: true) is > 0 and int length && piece[..length][0] == (byte)' ';
    }

    private string? Metadata(string key)
    {
        Span<byte> buffer = stackalloc byte[128];
        fixed (byte* target = buffer)
        {
            int length = LlamaNative.llama_model_meta_val_str(_model, key, target, (nuint)buffer.Length);
            return length < 0 ? null : Encoding.UTF8.GetString(buffer[..Math.Min(length, buffer.Length - 1)]);
        }
    }

    private int Call(ReadOnlySpan<byte> text, int[] tokens, bool addSpecial, bool parseSpecial)
    {
        using Hold _ = new(_model);
        fixed (byte* source = text)
        {
            byte none = 0;
            fixed (int* target = tokens)
                return LlamaNative.llama_tokenize(_vocab, source is null ? &none : source, text.Length, target, tokens.Length, addSpecial, parseSpecial);
        }
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
