using System.Runtime.CompilerServices;
using VAI.Native.Llama;
using VAI.Native.Text;

namespace VAI.Text;

/// <summary>
/// Texts to tokens, whatever the text: a short harmless one at once on the caller's thread, any other piece by piece on
/// <see cref="LongTextThread"/>. Thread-safe.
/// </summary>
internal sealed class Tokenizer
{
    // Tokens that a joint may still take back.
    private const int Unsettled = 4096;

    private readonly string _model;
    private readonly LlamaVocab _vocab;

    public Tokenizer(string model, LlamaVocab vocab)
    {
        _model = model;
        _vocab = vocab;
    }

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">Any text of up to <see cref="LlamaVocab.MaxTextBytes"/>.</param>
    /// <param name="addSpecial">Adds what the model wants around a prompt.</param>
    /// <param name="parseSpecial">Reads the text of control tokens as those tokens.</param>
    /// <param name="room">The most tokens that are of use; a text that is seen to have more is refused without being tokenized to its end.</param>
    /// <param name="cancellationToken">Ends it before the next piece, which takes some tens of milliseconds.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.ContextFull"/>: the text is too long, or has certainly more tokens than the room.</exception>
    public ValueTask<int[]> TokenizeAsync(string text, bool addSpecial, bool parseSpecial, int room, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TextBound.Suspicious(text, room) is > 0 and int bytes)
            TextBound.Check(_model, bytes, room, _vocab.LongestPiece);
        if (TextCutter.IsPlain(_vocab.Kind, text) && RuntimeHelpers.TryEnsureSufficientExecutionStack())
            return new ValueTask<int[]>(_vocab.Tokenize(text, addSpecial, parseSpecial));
        return new ValueTask<int[]>(LongTextThread.RunAsync(new Work(this, text, addSpecial, parseSpecial, room), cancellationToken));
    }

    private sealed class Work(Tokenizer tokenizer, string text, bool addSpecial, bool parseSpecial, int room) : ILongTextWork<int[]>
    {
        private TextTokens? _tokens;

        public bool Step()
        {
            _tokens ??= new TextTokens(tokenizer._vocab, text, addSpecial, parseSpecial);
            if (!_tokens.Step())
                return false;
            int sure = _tokens.Tokens.Count - Unsettled;
            return sure <= room ? true : throw new VaiUsageException(
                VaiError.ContextFull,
                $"The text has more than {sure} tokens of '{tokenizer._model}'; there is room for {Math.Max(0, room)}. Shorten it.");
        }

        public int[] Result => [.. _tokens!.Tokens];
    }
}
