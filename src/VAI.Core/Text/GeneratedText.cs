using System.Text;
using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Text.Chat;
using VAI.Text.Constraints;
using VAI.Text.Tools;

namespace VAI.Text;

/// <summary>
/// A generation's tokens as text: whole characters, then thoughts told from the answer, then calls of tools from what is said, then that up to a stop
/// string. In this order, so that nothing is held back across a mark, and neither thoughts nor arguments end an answer.
/// </summary>
internal sealed class GeneratedText
{
    private readonly LlamaVocab _vocab;
    private readonly TokenPieces _pieces;
    private readonly TextStream _characters = new();
    private readonly Reasoning? _reasoning;
    private readonly ToolStream? _tools;
    private readonly StopStrings _stops;
    private TokenPieces? _marks;
    private string _answer = "";
    private string _calls = "";

    public GeneratedText(InferenceOptions options, LlamaVocab vocab)
    {
        _vocab = vocab;
        _pieces = new TokenPieces(vocab, special: false);
        ToolRequest? tools = options.Constraint is { Kind: ConstraintKind.Tools } constraint ? CompiledConstraint.Of(constraint).Tools : null;
        _reasoning = Reasoning.For(options, vocab, keepsMarks: tools is not null, mayCall: tools is { MayCall: true, Format.PartOpen.Length: > 0 });
        _tools = tools is not null && (tools.MayCall || tools.Format.SaidOpen.Length > 0)
            ? new ToolStream(tools.Format, atStart: tools.Schema is not null || tools.Choice == ToolChoice.Required) : null;
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
    /// <returns>The text that is certain now, of one kind; what is certain of another too comes with the next.</returns>
    public (string Text, InferenceUpdateKind Kind) Append(int token)
    {
        string text = _characters.Append(_pieces.Of(token));
        if (_tools is not null && IsAnswer)
            text += Mark(token);
        if (_reasoning is not null)
            return Take(_reasoning.Append(token, text, _characters.IsWhole));
        if (_tools is null)
            return (_stops.Append(text), InferenceUpdateKind.Answer);
        Said(text);
        return Next(InferenceUpdateKind.Answer);
    }

    /// <summary>The rest.</summary>
    public (string Text, InferenceUpdateKind Kind) Finish()
    {
        string rest = _characters.Finish();
        (string Text, InferenceUpdateKind Kind) last = _reasoning is null ? ("", InferenceUpdateKind.Answer) : Take(_reasoning.Finish(rest));
        if (_reasoning is null)
            Said(rest);
        if (last is { Kind: not InferenceUpdateKind.Answer, Text.Length: > 0 })
            return last;
        _answer = last.Text + _answer + _stops.Append(_tools?.Finish() ?? "") + _stops.Finish();
        return Next(InferenceUpdateKind.Answer);
    }

    private (string Text, InferenceUpdateKind Kind) Take((string Text, InferenceUpdateKind Kind) part)
    {
        string thought = "";
        while (true)
        {
            if (part.Kind == InferenceUpdateKind.Answer)
                Said(part.Text);
            else
                thought += part.Text;
            if (!_reasoning!.HasMore)
                break;
            part = _reasoning.More();
        }

        return thought.Length > 0 ? (thought, InferenceUpdateKind.Reasoning) : Next(part.Kind);
    }

    private void Said(string text)
    {
        (string content, string calls) = _tools?.Append(text) ?? (text, "");
        _answer += _stops.Append(content);
        if (calls.Length == 0 || _stops.Stopped)
            return;

        // What is said before a call comes before it.
        _answer += _stops.Finish();
        _calls += calls;
    }

    // What is certain, one kind after the other.
    private (string Text, InferenceUpdateKind Kind) Next(InferenceUpdateKind otherwise)
    {
        if (_answer.Length > 0 || _calls.Length == 0)
        {
            (string answer, _answer) = (_answer, "");
            return (answer, answer.Length > 0 ? InferenceUpdateKind.Answer : otherwise);
        }

        (string calls, _calls) = (_calls, "");
        return (calls, InferenceUpdateKind.ToolCalls);
    }

    // The text of a control token: calls have such marks.
    private string Mark(int token) => (_vocab.Attributes(token) & TokenAttributes.Control) == 0
        ? "" : Encoding.UTF8.GetString((_marks ??= new TokenPieces(_vocab, special: true)).Of(token));
}
