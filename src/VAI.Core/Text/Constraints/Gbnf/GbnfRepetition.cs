namespace VAI.Text.Constraints.Gbnf;

/// <summary>Repetitions of repetitions, as one where they are the same texts: so that no pile of them is followed.</summary>
internal static class GbnfRepetition
{
    private const int Any = int.MaxValue;

    public static GbnfItem Of(GbnfItem item, int least, int most)
    {
        if (most == 0 || item is GbnfSequence { Parts.Count: 0 })
            return new GbnfSequence([]);
        if (least == 1 && most == 1)
            return item;
        if (item is not GbnfRepeat inner)
            return new GbnfRepeat(item, least, most);
        return (inner.Least, inner.Most) switch
        {
            // Any number of times any number.
            (0, Any) => inner,
            (0, 1) => new GbnfRepeat(inner.Inner, 0, most),
            (1, Any) => new GbnfRepeat(inner.Inner, least, Any),
            (0 or 1, _) when most == Any => new GbnfRepeat(inner.Inner, inner.Least == 0 ? 0 : least, Any),
            (0 or 1, _) when least == 0 && most == 1 => new GbnfRepeat(inner.Inner, 0, inner.Most),
            _ => new GbnfRepeat(item, least, most),
        };
    }
}
