using System.Buffers;
using System.Globalization;

namespace VAI.Text.Jinja.Values;

/// <summary>Puts a text together, and remembers whose each part is.</summary>
/// <param name="budget">What the text costs.</param>
internal sealed class TextBuilder(Budget budget)
{
    private const int FirstChars = 512;

    // From here on room is counted as what is written: it may be new memory.
    private const int CountedChars = 1 << 16;

    // Borrowed, and given back with the text; where a rendering ends in an error it is left to the collector.
    private char[] _text = [];
    private List<int>? _flips;
    private bool _callers;

    public int Length { get; private set; }

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

    /// <summary>Appends the template's own text.</summary>
    public TextBuilder Append(ReadOnlySpan<char> text)
    {
        Append(text, callers: false);
        return this;
    }

    /// <inheritdoc cref="Append(ReadOnlySpan{char})"/>
    public TextBuilder Append(char c) => Append([c]);

    /// <summary>Appends a number's digits in hexadecimal.</summary>
    /// <param name="before">What stands before them.</param>
    /// <param name="number">It.</param>
    /// <param name="digits">How many, with leading zeros: <c>x2</c> and the like.</param>
    public TextBuilder AppendHex(ReadOnlySpan<char> before, int number, ReadOnlySpan<char> digits)
    {
        Span<char> hex = stackalloc char[8];
        number.TryFormat(hex, out int length, digits, CultureInfo.InvariantCulture);
        return Append(before).Append(hex[..length]);
    }

    /// <summary>Appends text of one origin.</summary>
    public void Append(ReadOnlySpan<char> text, bool callers)
    {
        if (text.IsEmpty)
            return;
        budget.Write(text.Length, Length);
        if (callers != _callers)
        {
            (_flips ??= []).Add(Length);
            _callers = callers;
        }

        if (_text.Length - Length < text.Length)
            Grow(text.Length);
        text.CopyTo(_text.AsSpan(Length));
        Length += text.Length;
    }

    /// <summary>What was put together; nothing may be appended behind it.</summary>
    public Value ToValue()
    {
        string text = Take();
        if (_flips is null)
            return text;
        return _flips is [0] ? Value.Text(text, callers: true) : Value.Text(new MarkedText(text, [.. _flips]));
    }

    /// <summary>The text without whose it is; nothing may be appended behind it.</summary>
    public string Take()
    {
        string text = Length == 0 ? "" : new string(_text, 0, Length);
        if (_text.Length > 0)
            ArrayPool<char>.Shared.Return(_text);
        _text = [];
        return text;
    }

    private void Grow(int by)
    {
        int room = Math.Max(FirstChars, Math.Max(Length + by, 2 * Length));
        if (room >= CountedChars)
            budget.Read(2L * room);
        char[] larger = ArrayPool<char>.Shared.Rent(room);
        _text.AsSpan(0, Length).CopyTo(larger);
        if (_text.Length > 0)
            ArrayPool<char>.Shared.Return(_text);
        _text = larger;
    }
}
