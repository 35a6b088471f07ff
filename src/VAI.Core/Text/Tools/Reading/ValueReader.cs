using System.Text;
using VAI.Text.Constraints.Schemas;

namespace VAI.Text.Tools.Reading;

/// <summary>A value up to a mark, as JSON: a string as it stands, or JSON, as its types have it.</summary>
/// <param name="close">The mark behind it.</param>
/// <param name="padded">Whether a line end before and behind it is none of it.</param>
/// <param name="python">Whether words may be Python's.</param>
internal sealed class ValueReader(string close, bool padded, bool python)
{
    private const int MostWordChars = 5;

    private readonly TextReader _text = new(close, padded);
    private readonly MarkFinder _end = new(close);
    private readonly MarkReader _mark = new();
    private readonly StringBuilder _held = new();
    private JsonSpan _span;
    private JsonTypes _types;
    private State _state;

    private enum State
    {
        Begin,

        /// <summary>Nothing of it is certain yet.</summary>
        Held,
        Text,
        Json,
        Behind,
    }

    public void Begin(JsonTypes types)
    {
        (_types, _span) = (types, default);
        _state = padded ? State.Begin : State.Held;
        _held.Clear();
        _end.Reset();
    }

    /// <summary>Takes what of a piece is the value's, and its mark.</summary>
    public ReadState Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        for (used = 0; used < text.Length;)
        {
            int length;
            switch (_state)
            {
                case State.Begin:
                    used += text[used] == '\n' ? 1 : 0;
                    _state = State.Held;
                    break;
                case State.Held when _types == JsonTypes.String:
                    Text(sink);
                    break;
                case State.Held:
                    if (Hold(text[used++], sink))
                        return ReadState.Whole;
                    break;
                case State.Text:
                    bool ends = _text.Take(text[used..], sink, out length);
                    used += length;
                    if (!ends)
                        break;
                    sink.Arguments("\"");
                    return ReadState.Whole;
                case State.Json:
                    bool whole = _span.Take(text[used..], out length);
                    sink.Arguments(text.Slice(used, length));
                    used += length;
                    if (whole)
                        Behind();
                    break;
                default:
                    int mark = _mark.Take(text[used++]);
                    if (mark != -1)
                        return mark == 0 ? ReadState.Whole : ReadState.None;
                    break;
            }
        }

        return ReadState.More;
    }

    private void Text(ICallSink sink)
    {
        sink.Arguments("\"");
        _text.Begin();
        _state = State.Text;
        _text.Take(_held.ToString(), sink, out _);
        _held.Clear();
    }

    private void Behind()
    {
        _state = State.Behind;
        _mark.Expect(close);
    }

    // Whether the value is whole, with its mark.
    private bool Hold(char c, ICallSink sink)
    {
        bool mayBeText = _types.HasFlag(JsonTypes.String);
        if (_held.Length == 0 && (c == '{' ? _types.HasFlag(JsonTypes.Object) : c == '[' && _types.HasFlag(JsonTypes.Array)))
        {
            _state = State.Json;
            _span.Take([c], out _);
            sink.Arguments([c]);
            return false;
        }

        if (_held.Length == 0 && !mayBeText && char.IsWhiteSpace(c))
            return false;
        _held.Append(c);
        if (_end.Take(c))
        {
            _held.Length -= close.Length;
            Settle(sink, mayBeText);
            return true;
        }

        // What no other value begins with is a string, and goes on as one.
        if (_end.Begun == 0 && mayBeText && !MayBeOther(c))
            Text(sink);
        return false;
    }

    private void Settle(ICallSink sink, bool mayBeText)
    {
        string all = _held.ToString();
        if (padded && all.EndsWith('\n'))
            all = all[..^1];
        string text = mayBeText ? all : all.Trim();
        string? json = JsonOutput.Words.Take(python ? 6 : 3).FirstOrDefault(w => w.Word == text && (!mayBeText || (_types & w.Type) != 0)).Json;
        if (json is null && (!mayBeText || (_types & JsonTypes.Number) != 0) && JsonOutput.IsNumber(text))
            json = text;
        if (json is not null)
            sink.Arguments(json);
        else
            JsonOutput.Quoted(sink, text);
    }

    // Whether what is held, of which this is the last character, begins a number or a word of JSON's. Looks at few of them.
    private bool MayBeOther(char c)
    {
        int length = _held.Length;
        if (padded && length > 1 && _held[length - 2] == '\n')
            return false;
        if (padded && c == '\n')
            return true;
        if (length > MostWordChars + 1)
            return IsOfNumber(c);
        string all = _held.ToString();
        return Array.Exists(JsonOutput.Words, w => w.Word.StartsWith(all, StringComparison.Ordinal)) || all.All(IsOfNumber);
    }

    private static bool IsOfNumber(char c) => char.IsAsciiDigit(c) || c is '-' or '+' or '.' or 'e' or 'E';
}
