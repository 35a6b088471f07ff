using System.Text;
using VAI.Forge.Vocabulary;
using VAI.Forge.Weights;

namespace VAI.Forge.Reciting;

/// <summary>A token of a script.</summary>
/// <param name="Text">As the vocabulary has it: of a special token its text, of others a character for each byte.</param>
/// <param name="Special">Whether it is a special token.</param>
internal readonly record struct ScriptPiece(string Text, bool Special);

/// <summary>
/// Cuts a script into tokens so that what comes next follows from the last <see cref="Window"/>. llama.cpp takes no vocabulary with a
/// text twice, so a token cannot know its place by itself.
/// </summary>
internal sealed class Cutter
{
    /// <summary>How many tokens the model looks at.</summary>
    public const int Window = 14;

    /// <summary>The longest script: it has to fit the model's context with a prompt.</summary>
    private const int Longest = 30_000;

    /// <summary>So often only what matters is changed: it may take one at a time where a text repeats itself at length.</summary>
    private const int GentlePasses = 8;

    private static readonly string NewLine = ByteBpeVocabulary.SpellingOf((byte)'\n');

    private readonly IReadOnlySet<string> _specials;
    private readonly Func<string, bool> _inPrompts;
    private readonly int _longest;
    private ulong _random;

    /// <param name="specials">Texts of special tokens.</param>
    /// <param name="inPrompts">Whether prompts can have that token.</param>
    /// <param name="longest">The longest piece.</param>
    /// <param name="seed">Where pieces end.</param>
    public Cutter(IReadOnlySet<string> specials, Func<string, bool> inPrompts, int longest, ulong seed)
    {
        _specials = specials;
        _inPrompts = inPrompts;
        _longest = longest;
        _random = RandomBits.Key(seed, "reciter/pieces");
    }

    /// <exception cref="VaiUsageException">It is too long, or repeats itself in special tokens, which cannot be cut otherwise.</exception>
    public List<ScriptPiece> Cut(string script)
    {
        var pieces = new List<ScriptPiece>();
        int start = 0;
        for (int at = 0; at < script.Length;)
        {
            string? special = _specials.Where(s => string.CompareOrdinal(script, at, s, 0, s.Length) == 0).MaxBy(s => s.Length);
            if (special is null)
            {
                at++;
                continue;
            }

            CutText(script[start..at], pieces);
            pieces.Add(new ScriptPiece(special, true));
            start = at += special.Length;
        }

        CutText(script[start..], pieces);
        if (pieces.Count > Longest)
            throw new VaiUsageException(VaiError.InvalidOption, $"A script is {pieces.Count:N0} tokens long, and {Longest:N0} are the most. Give a shorter one, or longer pieces.");
        for (int pass = 0; Separate(pieces, all: pass >= GentlePasses); pass++)
        {
        }

        return pieces;
    }

    private void CutText(string text, List<ScriptPiece> pieces)
    {
        string spelt = string.Concat(Encoding.UTF8.GetBytes(text).Select(ByteBpeVocabulary.SpellingOf));
        for (int at = 0; at < spelt.Length;)
        {
            int length = LengthAt(spelt.AsSpan(at), first: pieces.Count == 0);
            pieces.Add(new ScriptPiece(spelt.Substring(at, length), false));
            at += length;
        }
    }

    private int LengthAt(ReadOnlySpan<char> rest, bool first)
    {
        int least = (_longest + 1) / 2;
        _random = RandomBits.Part(_random, 1);
        int length = Math.Min(rest.Length, least + (int)(_random % (ulong)(_longest - least + 1)));

        // Otherwise a prompt that ends with the same token would be taken for the script's beginning.
        if (first)
        {
            while (length < rest.Length && _inPrompts(rest[..length].ToString()))
                length++;
        }
        else if (rest[..length].IndexOf(NewLine) is >= 0 and var line)
        {
            length = Math.Max(line, 1);
        }

        while (length > 1 && _specials.Contains(rest[..length].ToString()))
            length--;
        return length;
    }

    /// <summary>Changes pieces where the same tokens had others after them before; says whether it did.</summary>
    /// <param name="pieces">The script.</param>
    /// <param name="all">Changes them wherever the same tokens come again.</param>
    private bool Separate(List<ScriptPiece> pieces, bool all)
    {
        bool changed = false;
        var numbers = new Dictionary<ScriptPiece, char>();
        var next = new Dictionary<string, ScriptPiece?>();
        Span<char> window = stackalloc char[Window];
        for (int end = Window; end <= pieces.Count; end++)
        {
            for (int i = 0; i < Window; i++)
            {
                ScriptPiece piece = pieces[end - Window + i];
                if (!numbers.TryGetValue(piece, out window[i]))
                    numbers.Add(piece, window[i] = (char)numbers.Count);
            }

            ScriptPiece? after = end < pieces.Count ? pieces[end] : null;
            string key = new(window);
            if (next.TryAdd(key, after))
                continue;
            bool matters = next[key] != after;
            if ((matters || all) && Join(pieces, end))
                changed = true;
            else if (matters)
                throw Ambiguous();
        }

        return changed;
    }

    /// <summary>Makes two of the last tokens one: a text of another length, so that they differ from those before.</summary>
    private bool Join(List<ScriptPiece> pieces, int end)
    {
        for (int second = end - 1; second > end - Window; second--)
        {
            string both = pieces[second - 1].Text + pieces[second].Text;
            if (pieces[second - 1].Special || pieces[second].Special || _specials.Contains(both))
                continue;
            pieces[second - 1] = new ScriptPiece(both, false);
            pieces.RemoveAt(second);
            return true;
        }

        return false;
    }

    private static VaiUsageException Ambiguous() =>
        new(VaiError.InvalidOption,
            $"The script has the same {Window} tokens more than once and other text after them each time, and they cannot be cut otherwise: put more text between its special tokens.");
}
