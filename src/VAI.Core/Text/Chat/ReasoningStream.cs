using System.Text;

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
    private readonly int _closeToken;
    private readonly StringBuilder _held = new();
    private string _left = "";
    private State _state;
    private bool _begun;

    /// <param name="format">The marks.</param>
    /// <param name="begins">Whether it begins behind the opening mark.</param>
    /// <param name="openToken">The token that is the opening mark; -1 where it is text.</param>
    /// <param name="closeToken">The token that is the closing mark; -1 where it is text.</param>
    public ReasoningStream(ReasoningFormat format, bool begins, int openToken = -1, int closeToken = -1)
    {
        _format = format;
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
                return Close(text, _format.Close);
            case State.Before when token >= 0 && token == _openToken && _held.Length == 0:
                _state = State.Inside;
                return Inside("");
            case State.Before:
                return Before(text + control);
            case State.Header:
                return Header(text + control);
            default:
                return Inside(text + control);
        }
    }

    /// <summary>The rest: the beginning of a mark that did not come is text.</summary>
    public (string Text, InferenceUpdateKind Kind) Finish(string text)
    {
        (string last, InferenceUpdateKind kind) = Append(text);
        string rest = _left;
        _left = "";
        switch (_state)
        {
            case State.Answer:
                return (last + rest, InferenceUpdateKind.Answer);
            case State.Inside:
                rest = last + Begin(_held.ToString().TrimEnd());
                _held.Clear();
                return (rest, InferenceUpdateKind.Reasoning);
            default:
                rest = last + rest + (_state == State.Before ? _held.ToString().TrimStart() : "");
                _held.Clear();
                return (rest, kind);
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

    private (string Text, InferenceUpdateKind Kind) Before(string text)
    {
        _held.Append(text);
        string all = _held.ToString(), begun = all.TrimStart();
        if (_openToken < 0 && begun.StartsWith(_format.Open, StringComparison.Ordinal))
        {
            _held.Clear();
            _state = State.Inside;
            return Inside(begun[_format.Open.Length..]);
        }

        if (_format.Answer is not null)
            return Header("");
        if ((_openToken < 0 && _format.Open.StartsWith(begun, StringComparison.Ordinal)) || begun.Length == 0)
            return ("", InferenceUpdateKind.Answer);

        // It does not think.
        _held.Clear();
        _state = State.Answer;
        return (Begin(all), InferenceUpdateKind.Answer);
    }

    private (string Text, InferenceUpdateKind Kind) Inside(string text)
    {
        // Mostly nothing of it can belong to a mark.
        if (_held.Length == 0 && _begun && text.Length > 0 && !char.IsWhiteSpace(text[^1]) && !text.Contains(_format.Close[0], StringComparison.Ordinal))
            return (text, InferenceUpdateKind.Reasoning);
        _held.Append(text);
        string all = _held.ToString();
        int close = _closeToken < 0 ? all.IndexOf(_format.Close, StringComparison.Ordinal) : -1;
        if (close >= 0)
        {
            _held.Clear();
            _held.Append(all, 0, close);
            return Close("", _format.Close, all[(close + _format.Close.Length)..]);
        }

        // White space may be that before the mark, and an end its beginning.
        int certain = _closeToken < 0 ? all.Length - Open(all) : all.Length;
        certain = all.AsSpan(0, certain).TrimEnd().Length;
        string sure = Begin(all[..certain]);
        _held.Clear();
        _held.Append(all, certain, all.Length - certain);
        return (sure, InferenceUpdateKind.Reasoning);
    }

    private (string Text, InferenceUpdateKind Kind) Close(string text, string mark, string behind = "")
    {
        // The token's own text is the mark; what was held back before it is thought.
        string last = _held + (text.EndsWith(mark, StringComparison.Ordinal) ? text[..^mark.Length] : text);
        string thought = Begin(last.TrimEnd());
        _held.Clear();
        _begun = false;
        _state = _format.Answer is null ? State.Answer : State.Header;
        if (thought.Length > 0)
        {
            _left = behind;
            return (thought, InferenceUpdateKind.Reasoning);
        }

        return behind.Length == 0 ? ("", InferenceUpdateKind.Answer) : Append(behind);
    }

    // Formats with a header for each part: another thought may come, or the answer.
    private (string Text, InferenceUpdateKind Kind) Header(string text)
    {
        _held.Append(text);
        string all = _held.ToString().TrimStart();
        int common = CommonHead(_format.Answer!, _format.Open);
        foreach ((string mark, bool answer) in new[]
        {
            (_format.Answer!, true), (_format.Answer![common..], true), (_format.Answer![..common] + _format.Open, false), (_format.Open, false),
        })
        {
            if (mark.Length == 0 || !all.StartsWith(mark, StringComparison.Ordinal))
                continue;
            _held.Clear();
            _begun = false;
            _state = answer ? State.Answer : State.Inside;
            string behind = all[mark.Length..];
            return behind.Length > 0 ? Append(behind) : ("", answer ? InferenceUpdateKind.Answer : InferenceUpdateKind.Reasoning);
        }

        string turn = _format.Answer![..common];
        if (all.Length == 0 || _format.Answer.StartsWith(all, StringComparison.Ordinal) || _format.Answer[common..].StartsWith(all, StringComparison.Ordinal)
            || (turn + _format.Open).StartsWith(all, StringComparison.Ordinal) || _format.Open.StartsWith(all, StringComparison.Ordinal))
        {
            return ("", InferenceUpdateKind.Answer);
        }

        _held.Clear();
        _state = State.Answer;
        return (Begin(all), InferenceUpdateKind.Answer);
    }

    // What stands before both headers where a turn begins again: up to where the opening mark would be.
    private static int CommonHead(string answer, string open)
    {
        int tag = open.IndexOf('>', StringComparison.Ordinal) + 1;
        int at = tag > 0 ? answer.IndexOf(open[..tag], StringComparison.Ordinal) : -1;
        return Math.Max(at, 0);
    }

    // The length of the longest end that begins the closing mark.
    private int Open(string text)
    {
        for (int length = Math.Min(_format.Close.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan().EndsWith(_format.Close.AsSpan(0, length)))
                return length;
        }

        return 0;
    }
}
