using System.Collections;
using VAI.Native.Llama;

namespace VAI.Native.Text;

/// <summary>A piece of a text: a token that was found in it, or text without any.</summary>
/// <param name="Token">The token's id; -1 for text.</param>
/// <param name="Start">Where the text begins.</param>
/// <param name="Length">Its characters.</param>
internal readonly record struct TextFragment(int Token, int Start, int Length);

/// <summary>
/// Takes a text apart at its special tokens as llama.cpp does (llama-vocab.cpp, <c>tokenizer_st_partition</c>: the longest first, with the white
/// space that a token strips), but for control tokens in what the caller wrote: that is text.
/// </summary>
internal static class SpecialPartition
{
    /// <summary>The pieces in their order. In none of the texts is a control token to be read.</summary>
    /// <returns>Null where the caller wrote nothing that would be read as one: the text is then taken as it is.</returns>
    public static List<TextFragment>? Of(LlamaVocab vocab, string text, Origins origins)
    {
        if (origins.AreTemplates)
            return null;
        List<(int Start, SpecialText Text)> found = vocab.Specials(control: true).Find(text);
        if (found.RemoveAll(f => f.Text.IsControl && origins.AnyCallers(f.Start, f.Text.Length)) == 0)
            return null;
        List<(int Start, SpecialText Text)> taken = Taken(found, text.Length);
        var fragments = new List<TextFragment>((2 * taken.Count) + 1);
        int at = 0;
        for (int i = 0; i < taken.Count; i++)
        {
            (int start, SpecialText special) = taken[i];
            int end = start;
            if ((special.Attributes & TokenAttributes.StripsLeft) != 0)
            {
                while (end > at && IsSpace(text[end - 1]))
                    end--;
            }

            if (end > at)
                fragments.Add(new TextFragment(-1, at, end - at));
            fragments.Add(new TextFragment(special.Token, start, special.Length));
            at = start + special.Length;
            if ((special.Attributes & TokenAttributes.StripsRight) != 0)
            {
                int next = i + 1 < taken.Count ? taken[i + 1].Start : text.Length;
                while (at < next && IsSpace(text[at]))
                    at++;
            }
        }

        if (at < text.Length)
            fragments.Add(new TextFragment(-1, at, text.Length - at));
        return fragments;
    }

    // The longest first, then the first; in the order of the text.
    private static List<(int Start, SpecialText Text)> Taken(List<(int Start, SpecialText Text)> found, int length)
    {
        var covered = new BitArray(length);
        var taken = new List<(int Start, SpecialText Text)>();
        foreach ((int start, SpecialText special) in found.OrderByDescending(f => f.Text.Length).ThenBy(f => f.Start))
        {
            // One that was taken is no shorter: where it overlaps, it has the first character or the last.
            int last = start + special.Length - 1;
            if (covered[start] || covered[last])
                continue;
            for (int i = start; i <= last; i++)
                covered[i] = true;
            taken.Add((start, special));
        }

        taken.Sort((x, y) => x.Start.CompareTo(y.Start));
        return taken;
    }

    // The C library's isspace, in its own locale.
    private static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');
}
