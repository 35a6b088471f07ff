using System.Buffers;
using System.Text;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata;

/// <summary>
/// A deterministic automaton over Unicode's code points: a language of texts, read code point by code point from state 0. From each of its states one
/// that accepts is reached, so that whoever follows it never comes into a dead end. Immutable; for many threads.
/// </summary>
internal sealed partial class Automaton
{
    /// <summary>Where no text of the language leads.</summary>
    public const int Dead = Table.Dead;

    // A row of every class where that takes little: rows that are searched take some nanoseconds more.
    private const long MostDense = 1 << 16;

    private readonly Table _table;
    private readonly Alphabet _alphabet;
    private readonly bool _mayBeDense;
    private int[]? _dense;

    // The alphabet's own, a step nearer.
    private readonly byte[] _ascii;
    private readonly int _width;

    /// <param name="table">Trimmed; but for the one of <see cref="Nothing"/>.</param>
    internal Automaton(Table table)
    {
        (_table, _alphabet) = (table, table.Alphabet);
        (_ascii, _width) = (_alphabet.AsciiClasses, _alphabet.Count);
        _mayBeDense = (long)table.StateCount * _width <= MostDense;
    }

    /// <summary>No text at all: one state, which does not accept and leads nowhere.</summary>
    public static Automaton Nothing { get; } = new(new Table(Alphabet.Single, [0, 0], [Dead], [], [], new Bits(1), null));

    public bool IsEmpty => this == Nothing;

    public int StateCount => _table.StateCount;

    internal Table Table => _table;

    /// <summary>Where a code point leads; <see cref="Dead"/> where no text of the language goes on so, from there, and for what is no code point.</summary>
    public int Step(int state, int codePoint)
    {
        byte[] ascii = _ascii;
        int of = (uint)codePoint < (uint)ascii.Length ? ascii[codePoint] : _alphabet.ClassOf(codePoint);
        if ((of | state) < 0)
            return Dead;
        return (_dense ?? Dense()) is { } dense ? dense[(state * _width) + of] : _table.Target(state, of);
    }

    /// <summary>Where a text leads.</summary>
    public int Run(int state, ReadOnlySpan<char> text)
    {
        while (text.Length > 0 && state >= 0)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) != OperationStatus.Done)
                return Dead;
            state = Step(state, rune.Value);
            text = text[length..];
        }

        return state;
    }

    /// <summary>Whether what was read so far is a text of the language.</summary>
    public bool Accepts(int state) => state >= 0 && _table.Accepts(state);

    /// <summary>Of an accepting state, what was found there; -1 where none is.</summary>
    public int Label(int state) => state < 0 ? -1 : _table.Label(state);

    /// <summary>Whether anything may follow.</summary>
    public bool CanGoOn(int state) => state >= 0 && (_table.Default(state) >= 0 || _table.Classes(state).Length > 0);

    public bool Matches(ReadOnlySpan<char> text) => Accepts(Run(0, text));

    /// <summary>A shortest text of the language.</summary>
    public bool TryShortest(out string text) => Shortest.TryFind(_table, out text);

    // When the first step is taken: most of those that a large constraint is made of are never followed. Who comes second makes the same.
    private int[]? Dense()
    {
        if (!_mayBeDense)
            return null;
        int[] dense = new int[_table.StateCount * _width];
        for (int state = 0; state < _table.StateCount; state++)
        {
            Span<int> row = dense.AsSpan(state * _width, _width);
            row.Fill(_table.Default(state));
            ReadOnlySpan<int> classes = _table.Classes(state);
            for (int i = 0; i < classes.Length; i++)
                row[classes[i]] = _table.Targets(state)[i];
        }

        Volatile.Write(ref _dense, dense);
        return dense;
    }
}
