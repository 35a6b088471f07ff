namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>All code points in classes: those of a class are never told apart by an automaton.</summary>
internal sealed class Alphabet
{
    private const int Ascii = 128;
    private const int End = CharSet.LastCodePoint + 1;

    // A class is numbered where it comes first, so those of ASCII fit into bytes.
    private readonly byte[] _ascii = new byte[Ascii];

    // Runs of code points: where each starts, and its class; -1 for surrogates.
    private readonly int[] _starts;
    private readonly int[] _classes;

    /// <param name="starts">Of runs of code points; the first is 0.</param>
    /// <param name="classes">Theirs, numbered in the order in which they come first; -1 for surrogates.</param>
    /// <param name="count">How many classes there are.</param>
    public Alphabet(int[] starts, int[] classes, int count)
    {
        (_starts, _classes, Count) = (starts, classes, count);
        for (int run = 0; run < starts.Length && starts[run] < Ascii; run++)
            _ascii.AsSpan(starts[run]..Math.Min(Ascii, EndOf(run))).Fill((byte)classes[run]);
    }

    /// <summary>One class of all.</summary>
    public static Alphabet Single { get; } = new([0, CharSet.FirstSurrogate, CharSet.BehindSurrogates], [0, -1, 0], 1);

    /// <summary>How many classes there are.</summary>
    public int Count { get; }

    /// <summary>The class of each code point of ASCII.</summary>
    public byte[] AsciiClasses => _ascii;

    public int RunCount => _starts.Length;

    /// <summary>Of a code point; -1 for what is none.</summary>
    public int ClassOf(int codePoint) =>
        (uint)codePoint < Ascii ? _ascii[codePoint] : (uint)codePoint < End ? _classes[RunOf(codePoint)] : -1;

    public (int Start, int Class) Run(int run) => (_starts[run], _classes[run]);

    /// <summary>Where the next run starts.</summary>
    public int EndOf(int run) => run + 1 < _starts.Length ? _starts[run + 1] : End;

    /// <summary>A code point of each class; one that can be read, where it has any.</summary>
    public int[] Representatives()
    {
        int[] chosen = new int[Count];
        Array.Fill(chosen, -1);
        for (int c = 'a'; c <= 'z'; c++)
            Choose(c, _ascii[c]);
        for (int c = '0'; c <= '9'; c++)
            Choose(c, _ascii[c]);
        for (int c = ' '; c < Ascii - 1; c++)
            Choose(c, _ascii[c]);
        for (int run = 0; run < _starts.Length; run++)
        {
            if (_classes[run] >= 0)
                Choose(_starts[run], _classes[run]);
        }

        return chosen;

        void Choose(int codePoint, int of)
        {
            if (chosen[of] < 0)
                chosen[of] = codePoint;
        }
    }

    /// <summary>The run of a code point.</summary>
    public int RunOf(int codePoint)
    {
        int low = 0;
        int high = _starts.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            if (_starts[middle] <= codePoint)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}
