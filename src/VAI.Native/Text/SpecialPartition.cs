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
    /// <summary>Whether the caller wrote what would be read as a control token.</summary>
    public static bool IsNeeded(LlamaVocab vocab, string text, Origins origins)
    {
        if (origins.AreTemplates)
            return false;
        foreach ((int start, SpecialText special) in vocab.Specials(control: true).Find(text))
        {
            if (special.IsControl && origins.AnyCallers(start, special.Length))
                return true;
        }

        return false;
    }

    /// <summary>The pieces in their order. In none of the texts is a control token to be read.</summary>
    public static List<TextFragment> Of(LlamaVocab vocab, string text, Origins origins)
    {
        List<(int Start, SpecialText Text)> found = vocab.Specials(control: true).Find(text);
        found.RemoveAll(f => f.Text.IsControl && origins.AnyCallers(f.Start, f.Text.Length));
        var taken = new SortedList<int, SpecialText>();
        foreach ((int start, SpecialText special) in found.OrderByDescending(f => f.Text.Length).ThenBy(f => f.Start))
        {
            if (IsFree(taken, start, special.Length))
                taken.Add(start, special);
        }

        var fragments = new List<TextFragment>();
        int at = 0;
        foreach ((int start, SpecialText special) in taken)
        {
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
                while (at < text.Length && IsSpace(text[at]) && !taken.ContainsKey(at))
                    at++;
            }
        }

        if (at < text.Length)
            fragments.Add(new TextFragment(-1, at, text.Length - at));
        return fragments;
    }

    private static bool IsFree(SortedList<int, SpecialText> taken, int start, int length)
    {
        int low = 0, high = taken.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (taken.Keys[middle] < start)
                low = middle + 1;
            else
                high = middle;
        }

        return (low == taken.Count || taken.Keys[low] >= start + length)
            && (low == 0 || taken.Keys[low - 1] + taken.Values[low - 1].Length <= start);
    }

    // The C library's isspace, in its own locale.
    private static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');
}
