using System.Text;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools.Reading;

/// <summary>
/// Reads calls as they come, by the format that also says what they must be. What is no call is passed over. Linear in the text, however it is cut.
/// </summary>
internal sealed class CallParser
{
    private const int MostNameChars = 256;

    private readonly ToolFormat _format;
    private readonly MarkFinder _first;
    private readonly MarkFinder _next;
    private readonly MarkReader _mark = new();
    private readonly string[] _nameEnds;
    private readonly StringBuilder _word = new();
    private readonly IArgumentReader _arguments;
    private readonly ObjectCall? _object;
    private MarkFinder _open;
    private State _state;
    private string _tool = "";
    private string? _id;

    /// <param name="format">How calls are written.</param>
    /// <param name="typesOf">What the arguments of a tool may be.</param>
    public CallParser(ToolFormat format, Func<string, ArgumentTypes> typesOf)
    {
        _format = format;
        _object = format.NameKey is null ? null : new ObjectCall(format);

        // Models leave out what stands on a line of its own before a call. Where nothing opens one, it is what stands before it.
        string open = format.NameKey is not null ? "{" : LastLine(format.CallOpen);
        _first = new MarkFinder(open.Length > 0 ? open : MarkReader.Bare(format.SectionOpen));
        _next = open.Length > 0 || format.Between is null ? _first : new MarkFinder(MarkReader.Bare(format.Between));
        _open = _first;
        string nameClose = MarkReader.Bare(format.NameClose);
        _nameEnds = format.IdOpen is { } id ? [nameClose, MarkReader.Bare(id)] : [nameClose];
        _arguments = format.Tags is { } tags ? new TagReader(tags, format.CallClose, typesOf)
            : format.Literals is { } literals ? new LiteralReader(literals) : new JsonReader();
    }

    private enum State
    {
        Between,
        Object,
        Name,
        NameEnd,
        Id,
        IdEnd,
        Begin,
        Arguments,
    }

    /// <summary>Takes a piece.</summary>
    public void Take(ReadOnlySpan<char> text, ICallSink sink)
    {
        while (text.Length > 0)
        {
            ReadState read = ReadState.More;
            int used = 0;
            switch (_state)
            {
                case State.Between:
                    if (!char.IsWhiteSpace(text[used++]) && _open.Take(text[0]))
                        Open();
                    break;
                case State.Object:
                    read = _object!.Take(text, sink, out used);
                    break;
                case State.Arguments:
                    read = _arguments.Take(text, sink, out used);
                    if (read == ReadState.Whole)
                        sink.End(null);
                    break;
                case State.Begin:
                    sink.Begin(_tool, _id);
                    _arguments.Begin(_tool);
                    _state = State.Arguments;
                    break;
                default:
                    read = Head(text[0], out used);
                    break;
            }

            if (read != ReadState.More)
                Close(read, sink);
            text = text[used..];
        }
    }

    private void Open()
    {
        _state = _object is null ? State.Name : State.Object;
        _object?.Begin();
        _word.Clear();
        _id = null;
    }

    private void Close(ReadState read, ICallSink sink)
    {
        if (read == ReadState.None)
            sink.Drop();
        else
            _open = _next;
        _state = State.Between;
        _open.Reset();
    }

    // The name, and what stands between it and the arguments.
    private ReadState Head(char c, out int used)
    {
        used = 1;
        if (_state is State.NameEnd or State.IdEnd)
            return Ends(_mark.Take(c));
        if (IsOfName(c))
        {
            _word.Append(c);
            return _word.Length > MostNameChars ? ReadState.None : ReadState.More;
        }

        if (_word.Length == 0)
            return char.IsWhiteSpace(c) ? ReadState.More : ReadState.None;

        // What ends it begins what is behind it.
        used = 0;
        string word = _word.ToString();
        _word.Clear();
        if (_state == State.Id)
        {
            (_state, _id) = (State.IdEnd, _format.IdHead is { } head ? head + _tool + _format.IdOpen + word : word);
            return Ends(_mark.Expect(_nameEnds[0]));
        }

        (_state, _tool) = (State.NameEnd, word);
        return Ends(_mark.Expect(_nameEnds));
    }

    private ReadState Ends(int mark)
    {
        if (mark == 1)
            _state = State.Id;
        else if (mark == 0)
            _state = State.Begin;
        return mark == -2 ? ReadState.None : ReadState.More;
    }

    private static string LastLine(string mark)
    {
        string trimmed = mark.TrimEnd();
        return MarkReader.Bare(trimmed[(trimmed.LastIndexOf('\n') + 1)..]);
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.';
}
