namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>An alphabet, run by run; classes are numbered as they come.</summary>
internal sealed class AlphabetBuilder
{
    private readonly List<int> _starts = [];
    private readonly List<int> _classes = [];
    private readonly Dictionary<long, int> _numbers = [];

    /// <summary>What was given for each class.</summary>
    public List<long> Keys { get; } = [];

    /// <summary>A run of code points that are told from others by a key; surrogates have a negative one.</summary>
    public void Add(int start, long key)
    {
        int number = -1;
        if (key >= 0 && !_numbers.TryGetValue(key, out number))
        {
            number = Keys.Count;
            _numbers.Add(key, number);
            Keys.Add(key);
        }

        if (_classes.Count > 0 && _classes[^1] == number)
            return;
        _starts.Add(start);
        _classes.Add(number);
    }

    public Alphabet Build() => new([.. _starts], [.. _classes], Keys.Count);

    /// <summary>What either tells apart.</summary>
    /// <param name="first">One.</param>
    /// <param name="second">Another.</param>
    /// <param name="fuel">What it may cost.</param>
    /// <param name="toFirst">For each class that is made, the one of the first that it lies in.</param>
    /// <param name="toSecond">The same of the second.</param>
    public static Alphabet Merge(Alphabet first, Alphabet second, Fuel fuel, out int[] toFirst, out int[] toSecond)
    {
        fuel.Step(first.RunCount + second.RunCount);
        var builder = new AlphabetBuilder();
        for (int i = 0, j = 0, start = 0; start <= CharSet.LastCodePoint;)
        {
            int ofFirst = first.Run(i).Class;
            builder.Add(start, ofFirst < 0 ? -1 : ((long)ofFirst * second.Count) + second.Run(j).Class);
            start = Math.Min(first.EndOf(i), second.EndOf(j));
            if (first.EndOf(i) == start)
                i++;
            if (second.EndOf(j) == start)
                j++;
        }

        toFirst = [.. builder.Keys.Select(key => (int)(key / second.Count))];
        toSecond = [.. builder.Keys.Select(key => (int)(key % second.Count))];
        return builder.Build();
    }

    /// <summary>Classes put together to fewer.</summary>
    /// <param name="alphabet">Of the classes.</param>
    /// <param name="groups">For each class, what it is put together by.</param>
    /// <param name="to">For each class, the one it is in.</param>
    public static Alphabet Join(Alphabet alphabet, int[] groups, out int[] to)
    {
        var builder = new AlphabetBuilder();
        to = new int[alphabet.Count];
        for (int run = 0; run < alphabet.RunCount; run++)
        {
            (int start, int old) = alphabet.Run(run);
            builder.Add(start, old < 0 ? -1 : groups[old]);
            if (old >= 0)
                to[old] = builder._numbers[groups[old]];
        }

        return builder.Build();
    }
}
