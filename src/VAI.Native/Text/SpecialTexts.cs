using System.Buffers;
using VAI.Native.Llama;

namespace VAI.Native.Text;

/// <summary>
/// The texts that llama.cpp takes for tokens before anything else: no cut may go through one. Immutable, thread-safe.
/// </summary>
internal sealed class SpecialTexts
{
    // Of published models none is longer than a hundred; what is longer than this is not looked for.
    private const int MaxChars = 1024;

    private readonly Dictionary<string, SpecialText> _texts = new(StringComparer.Ordinal);
    private readonly SearchValues<char> _firsts;
    private readonly HashSet<char> _first = [];
    private readonly HashSet<char> _last = [];
    private readonly int[] _lengths;
    private readonly bool _strip;

    /// <param name="vocab">The vocabulary.</param>
    /// <param name="control">Whether control tokens are among them, or user-defined ones alone.</param>
    public SpecialTexts(LlamaVocab vocab, bool control)
    {
        TokenAttributes wanted = TokenAttributes.UserDefined | (control ? TokenAttributes.Control | TokenAttributes.Unknown : 0);
        for (int token = 0; token < vocab.Count; token++)
        {
            TokenAttributes attributes = vocab.Attributes(token);
            if ((attributes & wanted) == 0)
                continue;
            _strip |= (attributes & (TokenAttributes.StripsLeft | TokenAttributes.StripsRight)) != 0;
            string text = vocab.Text(token);
            if (text.Length is 0 or > MaxChars)
                continue;

            // Of two of one text the control token counts: nobody may write it.
            var special = new SpecialText(token, text.Length, attributes);
            if (!_texts.TryAdd(text, special) && special.IsControl && !_texts[text].IsControl)
                _texts[text] = special;
            _first.Add(text[0]);
            _last.Add(text[^1]);
        }

        _lengths = [.. _texts.Keys.Select(t => t.Length).Distinct().Order()];
        _firsts = SearchValues.Create([.. _first]);
    }

    /// <summary>Each place where one stands, in ascending order; they may overlap.</summary>
    public List<(int Start, SpecialText Text)> Find(ReadOnlySpan<char> text)
    {
        var found = new List<(int, SpecialText)>();
        Dictionary<string, SpecialText>.AlternateLookup<ReadOnlySpan<char>> lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int at = 0; text[at..].IndexOfAny(_firsts) is >= 0 and int offset; at++)
        {
            at += offset;
            foreach (int length in _lengths)
            {
                if (at + length <= text.Length && lookup.TryGetValue(text.Slice(at, length), out SpecialText special))
                    found.Add((at, special));
            }
        }

        return found;
    }

    /// <summary>Whether a cut there would go through one, or come so near that it would change what is stripped beside it.</summary>
    public bool Blocks(ReadOnlySpan<char> text, int cut)
    {
        int near = _strip ? 2 : 0;
        return Spans(text, cut - near, cut + near, 0);
    }

    /// <summary>Whether one ends there that no other overlaps: both sides are then read as on their own.</summary>
    public bool EndsAt(ReadOnlySpan<char> text, int cut)
    {
        if (_strip || !_last.Contains(text[cut - 1]))
            return false;
        Dictionary<string, SpecialText>.AlternateLookup<ReadOnlySpan<char>> lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (int length in _lengths)
        {
            if (length <= cut && lookup.ContainsKey(text.Slice(cut - length, length)))
                return !Spans(text, cut, cut, 0) && !Spans(text, cut - length, cut - length, 0);
        }

        return false;
    }

    // Whether one begins before the last of two places and ends behind the first.
    private bool Spans(ReadOnlySpan<char> text, int from, int to, int least)
    {
        if (_lengths.Length == 0)
            return false;
        Dictionary<string, SpecialText>.AlternateLookup<ReadOnlySpan<char>> lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int start = Math.Max(least, from - _lengths[^1]); start < Math.Min(to, text.Length); start++)
        {
            if (!_first.Contains(text[start]))
                continue;
            foreach (int length in _lengths)
            {
                if (start + length > from && start + length <= text.Length && lookup.ContainsKey(text.Slice(start, length)))
                    return true;
            }
        }

        return false;
    }
}

/// <summary>A token that a text is taken for before anything else.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Length">Characters of its text.</param>
/// <param name="Attributes">What it is.</param>
internal readonly record struct SpecialText(int Token, int Length, TokenAttributes Attributes)
{
    /// <summary>Whether it is one only where control tokens are read.</summary>
    public bool IsControl => (Attributes & (TokenAttributes.Control | TokenAttributes.Unknown)) != 0;
}
