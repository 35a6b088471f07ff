namespace VAI.Text.Constraints.Automata.Patterns;

/// <summary>What stands in brackets.</summary>
internal static class PatternClasses
{
    // They are sorted.
    private const int StepsOfRange = 8;

    /// <summary>Reads a class behind its opening bracket.</summary>
    public static CharSet Read(PatternReader reader, Fuel fuel)
    {
        int start = reader.At - 1;
        fuel.Step(2 * StepsOfRange);
        bool negated = reader.Skip('^');
        var ranges = new List<CharRange>();
        var seen = new HashSet<CharSet>();
        while (!reader.Skip(']'))
        {
            if (reader.IsAtEnd)
                throw new PatternError(start, "a '[' is not closed");
            fuel.Step(StepsOfRange);
            int at = reader.At;
            (CharSet? set, int first) = Atom(reader);
            if (set is not null)
            {
                if (!seen.Add(set))
                    continue;
                fuel.Step(StepsOfRange * set.Ranges.Count);
                ranges.AddRange(set.Ranges);
                continue;
            }

            ranges.Add(new CharRange(first, Last(reader, first, at)));
        }

        var all = CharSet.OfRanges(ranges);
        return negated ? all.Complement() : all;
    }

    private static int Last(PatternReader reader, int first, int start)
    {
        int dash = reader.At;
        if (!reader.Skip('-'))
            return first;
        if (!reader.IsAtEnd && reader.Next != ']')
        {
            (CharSet? set, int last) = Atom(reader);
            if (set is null)
            {
                return last >= first ? last
                    : throw new PatternError(start, $"the range '{reader.Show(start, reader.At - start)}' is out of order");
            }
        }

        // A dash that no range can be made of is one.
        reader.Return(dash);
        return first;
    }

    private static (CharSet? Set, int CodePoint) Atom(PatternReader reader) =>
        reader.Skip('\\') ? PatternEscapes.Read(reader, inClass: true) : (null, reader.Read());
}
