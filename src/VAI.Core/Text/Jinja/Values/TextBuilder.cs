using System.Text;

namespace VAI.Text.Jinja.Values;

/// <summary>Puts a text together, and remembers whose each part is.</summary>
/// <param name="budget">What the text costs.</param>
internal sealed class TextBuilder(Budget budget)
{
    private readonly StringBuilder _text = new();
    private List<int>? _flips;
    private bool _callers;

    public int Length => _text.Length;

    /// <summary>Appends a text.</summary>
    public void Append(Value text)
    {
        if (text.Mixed is not { } mixed)
        {
            Append(text.String, text.IsCallers);
            return;
        }

        int at = 0;
        bool callers = false;
        foreach (int flip in mixed.Flips)
        {
            Append(mixed.String.AsSpan(at, flip - at), callers);
            (at, callers) = (flip, !callers);
        }

        Append(mixed.String.AsSpan(at), callers);
    }

    /// <summary>Appends text of one origin.</summary>
    public void Append(ReadOnlySpan<char> text, bool callers)
    {
        if (text.IsEmpty)
            return;
        budget.Write(text.Length, _text.Length);
        if (callers != _callers)
        {
            (_flips ??= []).Add(_text.Length);
            _callers = callers;
        }

        _text.Append(text);
    }

    /// <summary>What was put together; nothing may be appended behind it.</summary>
    public Value ToValue()
    {
        string text = _text.ToString();
        if (_flips is null)
            return text;
        return _flips is [0] ? Value.Text(text, callers: true) : Value.Text(new MarkedText(text, [.. _flips]));
    }
}
