using System.Text;

namespace VAI.Text.Tools.Reading;

/// <summary>A string between quotation marks, of either kind and with escapes as Python has them, as JSON has it between its own.</summary>
internal sealed class QuotedReader
{
    private readonly StringBuilder _digits = new();
    private char _quote;
    private State _state;

    private enum State
    {
        Text,
        Escape,
        Unicode,
    }

    /// <summary>Begins behind the opening mark.</summary>
    public void Begin(char quote)
    {
        (_quote, _state) = (quote, State.Text);
        _digits.Clear();
    }

    /// <summary>Takes what of a piece is the string's, and its mark. Whether that came.</summary>
    public bool Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        for (used = 0; used < text.Length;)
        {
            switch (_state)
            {
                case State.Escape:
                    Escape(text[used++], sink);
                    break;
                case State.Unicode:
                    used += Unicode(text[used], sink);
                    break;
                default:
                    ReadOnlySpan<char> rest = text[used..];
                    int end = rest.IndexOfAny(_quote, '\\');
                    JsonOutput.Text(sink, end < 0 ? rest : rest[..end]);
                    used += end < 0 ? rest.Length : end + 1;
                    if (end >= 0 && rest[end] == _quote)
                        return true;
                    if (end >= 0)
                        _state = State.Escape;
                    break;
            }
        }

        return false;
    }

    private void Escape(char c, ICallSink sink)
    {
        _state = c == 'u' ? State.Unicode : State.Text;
        if (c is 'n' or 'r' or 't' or 'b' or 'f')
            sink.Arguments(['\\', c]);
        else if (c is '"' or '\'' or '\\' or '/')
            JsonOutput.Text(sink, [c]);
        else if (c != 'u')
            JsonOutput.Text(sink, ['\\', c]);
    }

    // How many characters it takes: none where there are fewer digits than an escape has, which is then none.
    private int Unicode(char c, ICallSink sink)
    {
        bool isDigit = char.IsAsciiHexDigit(c);
        if (isDigit)
            _digits.Append(c);
        if (isDigit && _digits.Length < 4)
            return 1;
        sink.Arguments(_digits.Length == 4 ? "\\u" : "\\\\u");
        sink.Arguments(_digits.ToString());
        _digits.Clear();
        _state = State.Text;
        return isDigit ? 1 : 0;
    }
}
