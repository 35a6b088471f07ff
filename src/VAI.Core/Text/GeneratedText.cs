using VAI.Native.Llama;
using VAI.Text.Chat;

namespace VAI.Text;

/// <summary>
/// A generation's tokens as text: whole characters, then thoughts told from the answer, then the answer up to a stop string. In this order, so that
/// nothing is held back across a mark, and no thought ends an answer.
/// </summary>
internal sealed class GeneratedText
{
    private readonly TokenPieces _pieces;
    private readonly TextStream _characters = new();
    private readonly Reasoning? _reasoning;
    private readonly StopStrings _stops;
    private string _answer = "";

    public GeneratedText(InferenceOptions options, LlamaVocab vocab)
    {
        _pieces = new TokenPieces(vocab, special: false);
        _reasoning = Reasoning.For(options, vocab);
        _stops = new StopStrings(options.Stop);
    }

    /// <summary>Whether the answer has come to a stop string.</summary>
    public bool Stopped => _stops.Stopped;

    /// <summary>The token that has to come next; -1 where the model may choose.</summary>
    public int Forced => _reasoning?.Forced ?? -1;

    /// <summary>Whether what comes is the answer, and will be to the end.</summary>
    public bool IsAnswer => _reasoning?.IsAnswer ?? true;

    /// <summary>Tokens of thought, with their marks.</summary>
    public int ReasoningTokens => _reasoning?.Tokens ?? 0;

    /// <summary>Takes a token that was generated, and does not end the sequence.</summary>
    /// <returns>The text that is certain now, of one kind; what is certain of the answer too comes with the next.</returns>
    public (string Text, InferenceUpdateKind Kind) Append(int token)
    {
        string text = _characters.Append(_pieces.Of(token));
        return _reasoning is null ? (_stops.Append(text), InferenceUpdateKind.Answer) : Take(_reasoning.Append(token, text, _characters.IsWhole));
    }

    /// <summary>The rest.</summary>
    public (string Text, InferenceUpdateKind Kind) Finish()
    {
        string rest = _characters.Finish();
        if (_reasoning is null)
            return (_stops.Append(rest) + _stops.Finish(), InferenceUpdateKind.Answer);
        (string Text, InferenceUpdateKind Kind) last = Take(_reasoning.Finish(rest));
        return last is { Kind: InferenceUpdateKind.Reasoning, Text.Length: > 0 } ? last : (last.Text + _stops.Finish(), InferenceUpdateKind.Answer);
    }

    private (string Text, InferenceUpdateKind Kind) Take((string Text, InferenceUpdateKind Kind) part)
    {
        string thought = "";
        while (true)
        {
            if (part.Kind == InferenceUpdateKind.Answer)
                _answer += _stops.Append(part.Text);
            else
                thought += part.Text;
            if (!_reasoning!.HasMore)
                break;
            part = _reasoning.More();
        }

        if (thought.Length > 0)
            return (thought, InferenceUpdateKind.Reasoning);
        (string answer, _answer) = (_answer, "");
        return (answer, answer.Length > 0 ? InferenceUpdateKind.Answer : part.Kind);
    }
}
