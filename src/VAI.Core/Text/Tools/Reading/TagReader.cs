using System.Text;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools.Reading;

/// <summary>Arguments that stand each between marks, as JSON. Which text is a string is known by its mark, or by what the tool's schema has there.</summary>
internal sealed class TagReader : IArgumentReader
{
    private const int MostNameChars = 4096;

    private readonly TagSyntax _syntax;
    private readonly Func<string, ArgumentTypes> _typesOf;
    private readonly string[] _opens;
    private readonly MarkFinder _nameClose;
    private readonly string[] _valueOpens;
    private readonly ValueReader _value;
    private readonly MarkReader _mark = new();
    private readonly StringBuilder _name = new();
    private ArgumentTypes _types = ArgumentTypes.Any;
    private State _state;
    private bool _any;

    /// <param name="syntax">The marks.</param>
    /// <param name="end">The mark behind all arguments.</param>
    /// <param name="typesOf">What the arguments of a tool may be.</param>
    public TagReader(TagSyntax syntax, string end, Func<string, ArgumentTypes> typesOf)
    {
        (_syntax, _typesOf) = (syntax, typesOf);
        _opens = [MarkReader.Bare(syntax.KeyOpen), MarkReader.Split(end).First];
        (string nameClose, string rest) = MarkReader.Split(syntax.KeyClose);
        _nameClose = new MarkFinder(nameClose);
        _valueOpens = syntax.IsMarked ? [rest + MarkReader.Bare(syntax.TextOpen), rest + MarkReader.Bare(syntax.ValueOpen)] : [rest + MarkReader.Bare(syntax.ValueOpen)];
        _value = new ValueReader(syntax.Close, syntax.Padding.Length > 0, syntax.PythonWords);
    }

    private enum State
    {
        Open,
        Name,
        ValueOpen,
        Value,
    }

    public void Begin(string tool)
    {
        _types = _typesOf(tool);
        _any = false;
        Next();
    }

    public ReadState Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        for (used = 0; used < text.Length;)
        {
            int mark;
            switch (_state)
            {
                case State.Open:
                    mark = _mark.Take(text[used++]);
                    if (mark == 1)
                        sink.Arguments(_any ? "}" : "{}");
                    if (mark is 1 or -2)
                        return mark == 1 ? ReadState.Whole : ReadState.None;
                    if (mark == 0)
                        _state = State.Name;
                    break;
                case State.Name:
                    char c = text[used++];
                    _name.Append(c);
                    if (_name.Length > MostNameChars)
                        return ReadState.None;
                    if (_nameClose.Take(c))
                        Named(sink);
                    break;
                case State.ValueOpen:
                    mark = _mark.Take(text[used++]);
                    if (mark == -2)
                        return ReadState.None;
                    if (mark >= 0)
                        Open(mark);
                    break;
                default:
                    ReadState value = _value.Take(text[used..], sink, out int length);
                    used += length;
                    if (value == ReadState.None)
                        return value;
                    if (value == ReadState.Whole)
                        Next();
                    break;
            }
        }

        return ReadState.More;
    }

    private void Next()
    {
        _state = State.Open;
        _name.Clear();
        _nameClose.Reset();
        _mark.Expect(_opens);
    }

    private void Named(ICallSink sink)
    {
        _name.Length -= _nameClose.Length;
        sink.Arguments(_any ? ", " : "{");
        _any = true;
        JsonOutput.Quoted(sink, _name.ToString().Trim());
        sink.Arguments(": ");
        _state = State.ValueOpen;
        if (_mark.Expect(_valueOpens) is >= 0 and int there)
            Open(there);
    }

    private void Open(int mark)
    {
        _state = State.Value;
        _value.Begin(!_syntax.IsMarked ? _types.Of(_name.ToString().Trim()) : mark == 0 ? JsonTypes.String : JsonTypes.All & ~JsonTypes.String);
    }
}
