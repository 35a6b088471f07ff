namespace VAI.Native.Text;

/// <summary>How the tokens of two pieces are put together.</summary>
internal enum Joint
{
    /// <summary>One after the other: nothing spans the cut.</summary>
    Exact,

    /// <summary>Where two windows that overlap agree.</summary>
    Agreed,

    /// <summary>One after the other, though a token could have spanned the cut.</summary>
    Plain,
}

/// <summary>Finds where a text may be cut for a tokenizer. Thread-safe.</summary>
internal sealed class TextCutter(TokenizerKind kind, SpecialTexts specials)
{
    /// <summary>Characters of the longest piece.</summary>
    public const int MaxPieceChars = 32 << 10;

    /// <summary>The longest match that is left to a stack of unknown size: 90 KB of the 128 KB that .NET makes sure of.</summary>
    public const int ShallowChars = 256;

    /// <summary>Whether a text can be given to llama.cpp as it is, on any thread.</summary>
    public static bool IsPlain(TokenizerKind kind, ReadOnlySpan<char> text)
    {
        if (text.Length > kind.PieceChars || Trouble(kind, text, 0, text.Length) < text.Length)
            return false;
        if (!kind.Recurses || text.Length <= ShallowChars)
            return true;
        int last = 0;
        for (int i = 1; i < text.Length; i++)
        {
            if (IsCut(kind.Rules, text, i))
                last = i;
            else if (i - last >= ShallowChars)
                return false;
        }

        return true;
    }

    /// <summary>The end of the piece that begins at a place, and how it is joined with the next one.</summary>
    public int Next(ReadOnlySpan<char> text, int start, out Joint joint)
    {
        // No choice is nearer than this: where trouble is, none is looked for, again and again with each piece.
        int near = Math.Min(text.Length, start + (kind.PieceChars / 2));
        int trouble = Trouble(kind, text, start, near);
        if (trouble == near)
        {
            int end = Choose(text, start, out joint);
            trouble = Trouble(kind, text, start, end);
            if (trouble == end)
                return end;
        }

        joint = Joint.Plain;
        return trouble;
    }

    /// <summary>Whether nothing in it must be cut.</summary>
    public bool IsFree(ReadOnlySpan<char> text) => Trouble(kind, text, 0, text.Length) == text.Length;

    /// <summary>Whether a cut there would go through a character. Half a pair without its other half is one by itself.</summary>
    public static bool IsInPair(ReadOnlySpan<char> text, int at) =>
        at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1]);

    private int Choose(ReadOnlySpan<char> text, int start, out Joint joint)
    {
        joint = Joint.Exact;
        int left = text.Length - start;
        if (left <= kind.PieceChars)
            return text.Length;
        bool dna = kind.Dna && text[start..].Contains("<dna>", StringComparison.Ordinal);
        CutRules rules = dna ? CutRules.None : kind.Joins ? CutRules.Line | CutRules.Space | CutRules.Mark : kind.Rules;
        Joint rule = kind.Joins ? Joint.Agreed : Joint.Exact;
        int target = start + kind.PieceChars;
        int most = Math.Min(text.Length, start + Math.Max(kind.PieceChars, kind.Joins ? 0 : MaxPieceChars));
        for (int at = target; at > start + (kind.PieceChars / 2); at--)
        {
            if (IsGood(rules, text, at, ref joint, rule, dna))
                return at;
        }

        for (int at = target + 1; at < most; at++)
        {
            if (IsGood(rules, text, at, ref joint, rule, dna))
                return at;
        }

        if (most == text.Length)
            return most;
        joint = Joint.Agreed;
        while (most > start + 1 && (IsInPair(text, most) || specials.Blocks(text, most)) && most > target - 4096)
            most--;
        if (!IsInPair(text, most))
            return most;

        // A piece is never empty: whoever asks for the next one would for ever get this one.
        return most > start + 1 ? most - 1 : most + 1;
    }

    private bool IsGood(CutRules rules, ReadOnlySpan<char> text, int at, ref Joint joint, Joint rule, bool dna)
    {
        if (IsCut(rules, text, at) && !specials.Blocks(text, at))
        {
            joint = rule;
            return true;
        }

        joint = Joint.Exact;
        return !dna && specials.EndsAt(text, at);
    }

    // The first place that must be cut whatever it does to the tokens; the end if there is none.
    private static int Trouble(TokenizerKind kind, ReadOnlySpan<char> text, int start, int end)
    {
        if (kind.SingleSpaces)
        {
            for (int i = start + 1; i < end; i++)
            {
                if (char.IsWhiteSpace(text[i]) && char.IsWhiteSpace(text[i - 1]))
                    return i;
            }
        }

        if (kind.Slow == SlowRun.None)
            return end;
        int run = 0;
        for (int i = start; i < end; i++)
        {
            bool slow = kind.Slow == SlowRun.Spaces ? char.IsWhiteSpace(text[i]) : char.IsNumber(text[i]);
            run = slow ? run + 1 : 0;
            if (run > kind.SlowChars)
                return i;
        }

        return end;
    }

    private static bool IsCut(CutRules rules, ReadOnlySpan<char> text, int at)
    {
        if (at + 1 >= text.Length)
            return false;
        char before = text[at - 1], behind = text[at];
        return behind switch
        {
            ' ' => (rules & CutRules.Space) != 0 && IsPlainLetter(before) && IsPlainLetter(text[at + 1]),
            ',' or '.' or '\u3001' or '\u3002' => (rules & CutRules.Mark) != 0 && (IsPlainLetter(before) || IsIdeograph(before)),
            >= '0' and <= '9' when IsPlainLetter(before) => (rules & CutRules.Digit) != 0,
            _ => before == '\n' && (rules & CutRules.Line) != 0 && at >= 2 && IsVisible(text[at - 2]) && char.IsLetterOrDigit(behind),
        };
    }

    // Letters by every table that llama.cpp's expressions have.
    private static bool IsPlainLetter(char c) => char.IsAsciiLetter(c) || c is >= '\u0410' and <= '\u044F';

    private static bool IsIdeograph(char c) => c is (>= '\u3041' and <= '\u3096') or (>= '\u30A1' and <= '\u30FA') or (>= '\u4E00' and <= '\u9FA5');

    private static bool IsVisible(char c) => char.IsLetterOrDigit(c) || char.IsPunctuation(c) || char.IsSymbol(c);
}
