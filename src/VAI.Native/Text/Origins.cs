namespace VAI.Native.Text;

/// <summary>Whose the parts of a text are: the caller's, in which no control token is read, or the template's.</summary>
/// <param name="Flips">Where it changes, ascending; what stands before the first is the template's.</param>
internal readonly record struct Origins(IReadOnlyList<int>? Flips)
{
    /// <summary>Whether none of the text is the caller's.</summary>
    public bool AreTemplates => Flips is null or [];

    /// <summary>Whether some of a part is the caller's.</summary>
    public bool AnyCallers(int start, int length)
    {
        if (Flips is null)
            return false;

        // The flips at or before a place say whose it is.
        int before = Before(start + 1);
        return before % 2 == 1 || (before < Flips.Count && Flips[before] < start + length);
    }

    // Flips below a place.
    private int Before(int place)
    {
        int low = 0, high = Flips!.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Flips[middle] < place)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
