using System.Text;
using System.Text.Json;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools.Reading;

/// <summary>Reads a call that is one JSON object, in which the arguments are a member. They are told as they come once the name is known.</summary>
internal sealed class ObjectCall(ToolFormat format)
{
    private readonly StringBuilder _key = new();
    private readonly StringBuilder _value = new();
    private readonly StringBuilder _early = new();
    private JsonSpan _span;
    private State _state;
    private string? _name;
    private string? _id;
    private bool _begun;

    private enum State
    {
        /// <summary>Before a key, or the end.</summary>
        Member,
        Key,
        Escape,
        Colon,
        BeforeValue,
        Value,
    }

    /// <summary>Begins behind the opening brace.</summary>
    public void Begin()
    {
        _early.Clear();
        (_state, _name, _id, _begun) = (State.Member, null, null, false);
    }

    public ReadState Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        for (used = 0; used < text.Length;)
        {
            char c = text[used];
            if (_state == State.Value)
            {
                Value(text, sink, ref used);
                continue;
            }

            if (_state == State.BeforeValue && !char.IsWhiteSpace(c))
            {
                (_state, _span) = (State.Value, default);
                _value.Clear();
                if (IsArguments && _name is not null && !_begun)
                    Start(sink);
                continue;
            }

            used++;
            if (_state == State.Member && c == '}')
                return End(sink);
            if (!Structure(c))
                return ReadState.None;
        }

        return ReadState.More;
    }

    private bool IsArguments => _key.Equals(format.ArgumentsKey);

    private void Value(ReadOnlySpan<char> text, ICallSink sink, ref int used)
    {
        bool whole = _span.Take(text[used..], out int length);
        ReadOnlySpan<char> part = text.Slice(used, length);
        used += length;
        if (!IsArguments)
            _value.Append(part);
        else if (_begun)
            sink.Arguments(part);
        else
            _early.Append(part);
        if (!whole)
            return;
        _state = State.Member;
        if (_key.Equals(format.NameKey))
            _name ??= Text();
        else if (format.IdKey is { } id && _key.Equals(id))
            _id ??= Text();
    }

    // What may come between values.
    private bool Structure(char c)
    {
        switch (_state)
        {
            case State.Key:
                if (c == '"')
                    _state = State.Colon;
                else
                    _key.Append(c);
                if (c == '\\')
                    _state = State.Escape;
                return true;
            case State.Escape:
                _key.Append(c);
                _state = State.Key;
                return true;
            case State.Colon when c == ':':
                _state = State.BeforeValue;
                return true;
            case State.Member when c == '"':
                _key.Clear();
                _state = State.Key;
                return true;
            case State.Member when c == ',':
                return true;
            default:
                return char.IsWhiteSpace(c);
        }
    }

    private void Start(ICallSink sink)
    {
        _begun = true;
        sink.Begin(_name!, _id);
    }

    private ReadState End(ICallSink sink)
    {
        if (!_begun && (_name is null || _early.Length == 0))
            return ReadState.None;
        if (!_begun)
        {
            Start(sink);
            sink.Arguments(_early.ToString());
        }

        sink.End(_id);
        return ReadState.Whole;
    }

    private string? Text()
    {
        try
        {
            using JsonDocument value = JsonDocument.Parse(_value.ToString());
            return value.RootElement.ValueKind == JsonValueKind.String ? value.RootElement.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
