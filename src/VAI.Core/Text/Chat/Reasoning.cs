using VAI.Native.Llama;
using VAI.Native.Text;

namespace VAI.Text.Chat;

/// <summary>A generation's thoughts: told from the answer, counted, and ended where they may not be longer.</summary>
internal sealed class Reasoning
{
    // A character has four bytes at most, each of which may be a token. Under a constraint what comes is always text: there the end can wait for it.
    private const int MostOpen = 3;

    private readonly ReasoningStream _stream;
    private readonly TokenPieces _special;
    private readonly LlamaVocab _vocab;
    private readonly int _mostOpen;
    private readonly int? _budget;
    private readonly Lazy<int[]> _end;
    private int _ending = -1;
    private int _open;
    private int _inside;
    private int _counted;
    private bool _thinks;

    private Reasoning(LlamaVocab vocab, ReasoningFormat format, InferenceOptions options, bool keepsMarks, bool mayCall)
    {
        bool begins = options.BeginsInReasoning;
        (_vocab, _mostOpen, _budget) = (vocab, options.Constraint is null ? MostOpen : int.MaxValue, options.ReasoningBudget);
        _special = new TokenPieces(vocab, special: true);
        _thinks = begins;
        _stream = new ReasoningStream(format, begins, Token(vocab, format.Open), Token(vocab, format.Close), keepsMarks);
        _end = new(() => vocab.Tokenize(End(format, mayCall), addSpecial: false, parseSpecial: true));
    }

    /// <summary>Tokens of thought, with their marks.</summary>
    public int Tokens => _thinks ? _counted : 0;

    /// <summary>For a transaction; null where everything is the answer.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="vocab">The model's.</param>
    /// <param name="keepsMarks">Whether a control token may begin an answer, as calls of tools have marks.</param>
    /// <param name="mayCall">Whether what is no answer may come behind the thoughts, with a header of its own.</param>
    public static Reasoning? For(InferenceOptions options, LlamaVocab vocab, bool keepsMarks = false, bool mayCall = false) =>
        options.Reasoning is { } format ? new Reasoning(vocab, format, options, keepsMarks, mayCall) : null;

    /// <summary>The token that has to come next, as the thoughts are at their end; -1 where the model may choose.</summary>
    public int Forced
    {
        get
        {
            if (_ending < 0 && _stream.IsInside && _inside >= _budget && (_open == 0 || _open > _mostOpen))
                _ending = 0;
            return _ending >= 0 && _ending < _end.Value.Length ? _end.Value[_ending] : -1;
        }
    }

    /// <summary>Takes a token that was generated.</summary>
    /// <param name="token">It.</param>
    /// <param name="text">Its text that is certain.</param>
    /// <param name="isWhole">Whether its bytes end with a character's.</param>
    /// <returns>The text that is certain now, and what it is.</returns>
    public (string Text, InferenceUpdateKind Kind) Append(int token, string text, bool isWhole)
    {
        if (_ending >= 0 && _ending < _end.Value.Length)
            _ending++;
        string control = (_vocab.Attributes(token) & (TokenAttributes.Control | TokenAttributes.Unknown)) != 0 && !_vocab.IsEndOfGeneration(token)
            ? System.Text.Encoding.UTF8.GetString(_special.Of(token)) : "";
        if (!_stream.IsAnswer)
            _counted++;
        _open = isWhole ? 0 : _open + 1;
        (string, InferenceUpdateKind) certain = _stream.Append(text, control, token);
        _thinks |= _stream.IsInside;
        if (_stream.IsInside)
            _inside++;
        return certain;
    }

    /// <summary>Whether what comes is the answer, and will be to the end.</summary>
    public bool IsAnswer => _stream.IsAnswer;

    /// <summary>Whether something of another kind is certain too.</summary>
    public bool HasMore => _stream.HasMore;

    /// <summary>What is certain too.</summary>
    public (string Text, InferenceUpdateKind Kind) More() => _stream.Append("");

    /// <summary>The rest, once there is no more.</summary>
    public (string Text, InferenceUpdateKind Kind) Finish(string text) => _stream.Finish(text);

    /// <summary>What ends thoughts where the model does not. Where it has its own line for the mark, so has this.</summary>
    /// <param name="format">Its marks.</param>
    /// <param name="mayCall">Whether what is no answer may come behind them, with a header of its own.</param>
    public static string End(ReasoningFormat format, bool mayCall) => format.Answer is null ? $"\n{format.Close}\n\n" : mayCall ? format.Close : format.Close + format.Answer;

    /// <summary>The token that a mark is; -1 where it is text.</summary>
    public static int Token(LlamaVocab vocab, string mark)
    {
        foreach ((int start, SpecialText text) in vocab.Specials(control: true).Find(mark))
        {
            if (start == 0 && text.Length == mark.Length)
                return text.Token;
        }

        return -1;
    }
}
