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

    /// <summary>The same of a text of which parts may be the caller's: no control token is read in those.</summary>
    public async ValueTask<int[]> TokenizeAsync(TokenText text, int room, CancellationToken cancellationToken)
    {
        Origins origins = text.Origins;
        int[] tokens = text.ParseSpecial && SpecialPartition.Of(_vocab, text.Text, origins) is { } fragments
            ? await TokenizeApartAsync(text, fragments, room, cancellationToken).ConfigureAwait(false)
            : await TokenizeAsync(text.Text, text.AddSpecial, text.ParseSpecial, room, cancellationToken).ConfigureAwait(false);
        return text is { Once: true, AddSpecial: true } ? WithoutSecond(tokens) : tokens;
    }

    // Between tokens that are read, each text is by itself to llama.cpp too.
    private async ValueTask<int[]> TokenizeApartAsync(TokenText text, List<TextFragment> fragments, int room, CancellationToken cancellationToken)
    {
        LlamaVocab.CheckLength(text.Text);
        (int[] front, int[] back) = text.AddSpecial ? _vocab.Affixes : ([], []);
        List<int> tokens = [.. front];
        foreach (TextFragment fragment in fragments)
        {
            if (fragment.Token >= 0)
            {
                tokens.Add(fragment.Token);
                continue;
            }

            string part = text.Text.Substring(fragment.Start, fragment.Length);
            tokens.AddRange(await TokenizeAsync(part, addSpecial: false, parseSpecial: false, room - tokens.Count, cancellationToken).ConfigureAwait(false));
        }

        return [.. tokens, .. back];
    }

    private int[] WithoutSecond(int[] tokens)
    {
        (int[] front, int[] back) = _vocab.Affixes;
        if (front is [int first] && tokens.Length > 1 && tokens[1] == first)
            tokens = tokens[1..];
        return back is [int last] && tokens.Length > 1 && tokens[^2] == last ? tokens[..^1] : tokens;
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
