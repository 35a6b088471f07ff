using System.Text;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools.Reading;

/// <summary>Arguments that are a language's values, as JSON. Whatever comes, JSON is what it makes of it.</summary>
internal sealed class LiteralReader(LiteralSyntax syntax) : IArgumentReader
{
    private readonly Stack<bool> _objects = [];
    private readonly StringBuilder _word = new();
    private readonly QuotedReader _quoted = new();
    private readonly TextReader? _raw = syntax.Quote is { } quote ? new TextReader(quote, padded: false) : null;
    private State _state;
    private Place _place;
    private bool _comma;

    private enum State
    {
        Between,
        Word,

        /// <summary>Within the mark of a string that is as it is.</summary>
        Quote,

        /// <summary>Within such a string.</summary>
        Raw,

        /// <summary>Within one as Python has them.</summary>
        Quoted,
    }

    // What may come next in an object or a list.
    private enum Place
    {
        Key,
        Assign,
        Value,
        Behind,
    }

    public void Begin(string tool)
    {
        _objects.Clear();
        _word.Clear();
        (_state, _place, _comma) = (State.Between, Place.Value, false);
    }

    public ReadState Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        for (used = 0; used < text.Length;)
        {
            if (_objects.Count == 0)
            {
                char first = text[used];
                if (!char.IsWhiteSpace(first) && first != syntax.Open)
                    return ReadState.None;
                used++;
                if (first == syntax.Open)
                    Open(true, sink);
                continue;
            }

            used += Step(text[used..], sink);
            if (_objects.Count == 0)
                return ReadState.Whole;
        }

        return ReadState.More;
    }

    // How much of a text it takes: none where what is held ends before it.
    private int Step(ReadOnlySpan<char> text, ICallSink sink)
    {
        char c = text[0];
        switch (_state)
        {
            case State.Quote:
                return Quote(c, sink);
            case State.Raw:
                if (_raw!.Take(text, sink, out int taken))
                    EndString(sink);
                return taken;
            case State.Quoted:
                if (_quoted.Take(text, sink, out int quoted))
                    EndString(sink);
                return quoted;
            case State.Word when !EndsWord(c):
                _word.Append(c);
                return 1;
            case State.Word:
                EndWord(sink);
                return 0;
            default:
                Between(c, sink);
                return 1;
        }
    }

    private void Between(char c, ICallSink sink)
    {
        if (char.IsWhiteSpace(c))
            return;
        if (syntax.Quote is { } quote && c == quote[0])
        {
            _state = State.Quote;
            _word.Append(c);
            return;
        }

        switch (c)
        {
            case '{' or '(' or '[':
                Open(c != '[', sink);
                break;
            case '}' or ')' or ']':
                Close(sink);
                break;
            case ',':
                Settle(sink);
                _comma = true;
                _place = _objects.Peek() ? Place.Key : Place.Value;
                break;
            case ':' or '=' when _place == Place.Assign:
                sink.Arguments(": ");
                _place = Place.Value;
                break;
            case '"' or '\'' when syntax.Quote is null:
                Start(sink);
                sink.Arguments("\"");
                _quoted.Begin(c);
                _state = State.Quoted;
                break;
            default:
                _state = State.Word;
                _word.Append(c);
                break;
        }
    }

    // What is no quote is a word.
    private int Quote(char c, ICallSink sink)
    {
        string quote = syntax.Quote!;
        if (_word.Length < quote.Length && c != quote[_word.Length])
        {
            _state = State.Word;
            return 0;
        }

        _word.Append(c);
        if (_word.Length < quote.Length)
            return 1;
        _word.Clear();
        Start(sink);
        sink.Arguments("\"");
        _raw!.Begin();
        _state = State.Raw;
        return 1;
    }

    private void EndString(ICallSink sink)
    {
        sink.Arguments("\"");
        Ended();
    }

    // A name or a value.
    private void Ended() => (_state, _place) = (State.Between, _place == Place.Key ? Place.Assign : Place.Behind);

    private bool EndsWord(char c) => c is ',' or '}' or ')' or ']' || (_place == Place.Key && c is ':' or '=');

    private void EndWord(ICallSink sink)
    {
        string word = _word.ToString().TrimEnd();
        _word.Clear();
        Start(sink);
        string? literal = _place == Place.Key ? null : JsonOutput.Words.FirstOrDefault(w => w.Word == word).Json ?? (JsonOutput.IsNumber(word) ? word : null);
        if (literal is not null)
            sink.Arguments(literal);
        else
            JsonOutput.Quoted(sink, word);
        Ended();
    }

    // Before a name or a value.
    private void Start(ICallSink sink)
    {
        if (_place == Place.Behind)
            (_comma, _place) = (true, _objects.Peek() ? Place.Key : Place.Value);
        if (_comma)
            sink.Arguments(", ");
        _comma = false;
        if (_place != Place.Assign)
            return;
        sink.Arguments(": ");
        _place = Place.Value;
    }

    private void Open(bool isObject, ICallSink sink)
    {
        if (_objects.Count > 0)
            Start(sink);
        if (_place == Place.Key)
            sink.Arguments("\"\": ");
        _objects.Push(isObject);
        sink.Arguments(isObject ? "{" : "[");
        _place = isObject ? Place.Key : Place.Value;
    }

    private void Close(ICallSink sink)
    {
        Settle(sink);
        sink.Arguments(_objects.Pop() ? "}" : "]");
        (_comma, _place) = (false, Place.Behind);
    }

    // A name has a value, whatever comes.
    private void Settle(ICallSink sink)
    {
        if (_place == Place.Assign)
            sink.Arguments(": null");
        else if (_place == Place.Value && _objects.Peek())
            sink.Arguments("null");
    }
}
