namespace VAI.Text.Jinja.Values;

/// <summary>A text of which parts came from the caller and parts from the template.</summary>
/// <param name="String">All of it.</param>
/// <param name="Flips">Where the origin changes, ascending; what stands before the first is the template's.</param>
internal sealed record MarkedText(string String, int[] Flips)
{
    /// <summary>A part of it, which may be of one origin.</summary>
    public Value Part(int start, int length)
    {
        if (length == 0)
            return "";
        int end = start + length;

        // The flips at or before the start say whose the first character is.
        int first = FirstFrom(start + 1), last = FirstFrom(end);
        bool callers = first % 2 == 1;
        string text = String.Substring(start, length);
        if (first >= last)
            return Value.Text(text, callers);
        int lead = callers ? 1 : 0;
        int[] flips = new int[last - first + lead];
        for (int i = first; i < last; i++)
            flips[i - first + lead] = Flips[i] - start;
        return Value.Text(new MarkedText(text, flips));
    }

    // By halves: a text is taken apart into as many parts as it has flips.
    private int FirstFrom(int place)
    {
        int at = Array.BinarySearch(Flips, place);
        return at < 0 ? ~at : at;
    }
}
