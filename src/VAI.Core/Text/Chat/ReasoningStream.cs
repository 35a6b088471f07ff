namespace VAI.Text.Chat;

/// <summary>
/// Tells what a model thinks from what it answers, as it comes: the marks, and the white space around them, are in neither. However the text is cut into
/// pieces, the parts are the same. Where a mark is one token, that token is the mark, and its letters are text.
/// </summary>
/// <remarks>Not thread-safe. Allocates only where text is held back.</remarks>
internal sealed class ReasoningStream
{
    private readonly ReasoningFormat _format;
    private readonly int _openToken;
    private readonly bool _keepsMarks;
    private readonly int _closeToken;
    private readonly HeldText _held = new();
    private string _left = "";
    private State _state;
    private bool _begun;

    // Whether what is held back of a thought is white space alone.
    private bool _isBlank;

    /// <param name="format">The marks.</param>
    /// <param name="begins">Whether it begins behind the opening mark.</param>
    /// <param name="openToken">The token that is the opening mark; -1 where it is text.</param>
    /// <param name="closeToken">The token that is the closing mark; -1 where it is text.</param>
    /// <param name="keepsMarks">Whether the text of a control token that begins the answer is a part of it.</param>
    public ReasoningStream(ReasoningFormat format, bool begins, int openToken = -1, int closeToken = -1, bool keepsMarks = false)
    {
        _format = format;
        _keepsMarks = keepsMarks;
        (_openToken, _closeToken) = (openToken, closeToken);
        _state = begins ? State.Inside : State.Before;
    }

    private enum State
    {
        /// <summary>Nothing but white space came yet, or the beginning of a mark.</summary>
        Before,
        Inside,

        /// <summary>Behind the thoughts, before the header of the answer.</summary>
        Header,
        Answer,
    }

    /// <summary>Whether what comes is thought.</summary>
    public bool IsInside => _state == State.Inside;

    /// <summary>Whether what comes is the answer, and will be to the end.</summary>
    public bool IsAnswer => _state == State.Answer;

    /// <summary>Whether something of another kind is certain too, which the next call gives.</summary>
    public bool HasMore => _left.Length > 0;

    /// <summary>Takes a piece.</summary>
    /// <param name="text">Its text; empty of a control token.</param>
    /// <param name="control">The text of a control token, which is no part of an answer; empty of any other.</param>
    /// <param name="token">The token; -1 where it is not one.</param>
    /// <returns>The text that is now certain, and what it is. What is certain of two kinds comes in two calls.</returns>
    public (string Text, InferenceUpdateKind Kind) Append(string text, string control = "", int token = -1)
    {
        if (_left.Length > 0)
        {
            text = _left + text;
            _left = "";
        }

        switch (_state)
        {
            case State.Answer:
                return (Begin(text), InferenceUpdateKind.Answer);
            case State.Inside when token >= 0 && token == _closeToken:
                // The token's own text is the mark; what was held back before it is thought.
                return Close(_held.Take() + (text.EndsWith(_format.Close, StringComparison.Ordinal) ? text[..^_format.Close.Length] : text), "");
            case State.Before when token >= 0 && token == _openToken && string.IsNullOrWhiteSpace(_held.ToString()):
                _held.Take();
                _state = State.Inside;
                return ("", InferenceUpdateKind.Reasoning);
            case State.Before:
                _held.Append(text, control);
                return Before();
            case State.Header:
                _held.Append(text, control);
                return Header();
            default:
                return Inside(text, control);
        }
    }

    /// <summary>The rest, once there is no more: the beginning of a mark that did not come is text.</summary>
    public (string Text, InferenceUpdateKind Kind) Finish(string text)
    {
        (string last, InferenceUpdateKind kind) = Append(text);
        switch (_state)
        {
            case State.Inside:
                return (last + Begin(_held.Take().TrimEnd()), InferenceUpdateKind.Reasoning);
            case State.Before:
                return (last + _held.Take().TrimStart(), kind);
            default:
                return (last, kind);
        }
    }

    // White space at the beginning of a part is none of it.
    private string Begin(string text)
    {
        if (_begun || text.Length == 0)
            return text;
        string trimmed = text.TrimStart();
        _begun = trimmed.Length > 0;
        return trimmed;
    }

    private (string Text, InferenceUpdateKind Kind) Before()
    {
        string all = _held.ToString(), begun = all.TrimStart();
        if (_openToken < 0 && begun.StartsWith(_format.Open, StringComparison.Ordinal))
        {
            _held.Drop(all.Length - begun.Length + _format.Open.Length);
            _state = State.Inside;
            return Inside("", "");
        }

        if (_format.Answer is not null)
            return Header();
        if (begun.Length == 0)
            _held.Drop(all.Length);
        return begun.Length == 0 || (_openToken < 0 && _format.Open.StartsWith(begun, StringComparison.Ordinal)) ? ("", InferenceUpdateKind.Answer) : Said();
    }

    private (string Text, InferenceUpdateKind Kind) Inside(string text, string control)
    {
        // Mostly nothing of it can belong to a mark.
        if (_held.IsEmpty && control.Length == 0 && _begun && text.Length > 0 && !char.IsWhiteSpace(text[^1])
            && !text.Contains(_format.Close[0], StringComparison.Ordinal))
        {
            return (text, InferenceUpdateKind.Reasoning);
        }

        // As often as a model likes: it is not looked at again with each token.
        _isBlank &= control.Length == 0 && text.AsSpan().IsWhiteSpace();
        _held.Append(text, control);
        if (_isBlank)
            return ("", InferenceUpdateKind.Reasoning);
        string all = _held.ToString();
        int close = _closeToken < 0 ? all.IndexOf(_format.Close, StringComparison.Ordinal) : -1;
        if (close >= 0)
        {
            string last = _held.Take(close);
            _held.Drop(_format.Close.Length);
            return Close(last, _held.Take());
        }

        // White space may be that before the mark, and an end its beginning.
        int certain = _closeToken < 0 ? all.Length - MarkEnds.OpenLength(all, _format.Close) : all.Length;
        _isBlank = certain == all.Length;
        return (Begin(_held.Take(all.AsSpan(0, certain).TrimEnd().Length)), InferenceUpdateKind.Reasoning);
    }

    private (string Text, InferenceUpdateKind Kind) Close(string last, string behind)
    {
        string thought = Begin(last.TrimEnd());
        _begun = _isBlank = false;
        _state = _format.Answer is null ? State.Answer : State.Header;
        if (thought.Length > 0)
        {
            _left = behind;
            return (thought, InferenceUpdateKind.Reasoning);
        }

        return behind.Length == 0 ? ("", InferenceUpdateKind.Answer) : Append(behind);
    }

    // Formats with a header for each part: another thought may come, or the answer.
    private (string Text, InferenceUpdateKind Kind) Header()
    {
        string held = _held.ToString(), all = held.TrimStart(), answer = _format.Answer!;
        int common = CommonHead(answer, _format.Open);
        string turn = answer[..common];
        bool begins = all.Length == 0;
        if (begins)
            _held.Drop(held.Length);
        foreach ((string mark, bool isAnswer) in new[] { (answer, true), (answer[common..], true), (turn + _format.Open, false), (_format.Open, false) })
        {
            begins |= mark.StartsWith(all, StringComparison.Ordinal);
            if (mark.Length == 0 || !all.StartsWith(mark, StringComparison.Ordinal))
                continue;
            _held.Drop(held.Length - all.Length + mark.Length);
            _begun = false;
            if (isAnswer)
                return Answer();
            _state = State.Inside;
            return Inside("", "");
        }

        return begins ? ("", InferenceUpdateKind.Answer) : Said();
    }

    private (string Text, InferenceUpdateKind Kind) Answer()
    {
        _state = State.Answer;
        return (Begin(_held.Take()), InferenceUpdateKind.Answer);
    }

    // What is no mark begins the answer, unless it is a control token alone.
    private (string Text, InferenceUpdateKind Kind) Said()
    {
        string all = _held.ToString(), text = _held.Take();
        (string Text, InferenceUpdateKind Kind) said = (Begin(_keepsMarks ? all : text), InferenceUpdateKind.Answer);
        if (said.Text.Length > 0)
            _state = State.Answer;
        return said;
    }

    /// <summary>What stands before both headers where a turn begins again: up to where the opening mark would be.</summary>
    public static int CommonHead(string answer, string open)
    {
        int tag = open.IndexOf('>', StringComparison.Ordinal) + 1;
        int at = tag > 0 ? answer.IndexOf(open[..tag], StringComparison.Ordinal) : -1;
        return Math.Max(at, 0);
    }
}
