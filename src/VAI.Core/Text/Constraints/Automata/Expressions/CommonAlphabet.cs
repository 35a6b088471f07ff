using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>What the sets and automata of an expression tell apart, and these over it.</summary>
internal sealed class CommonAlphabet
{
    private readonly Fuel _fuel;
    private readonly List<CharSet> _sets = [];
    private readonly List<Table> _tables = [];
    private readonly int[][] _classesOfSets;

    public CommonAlphabet(Expression expression, Fuel fuel)
    {
        _fuel = fuel;
        Collect(expression, [], []);
        Alphabet = SetAlphabet.Of(_sets, fuel, out int[][] classes);
        foreach (Table table in _tables)
        {
            if (table.Alphabet == Alphabet)
                continue;
            Alphabet merged = AlphabetBuilder.Merge(Alphabet, table.Alphabet, fuel, out int[] toOld, out _);
            int[][] finer = Translation.Invert(toOld, Alphabet.Count);
            classes = [.. classes.Select(of => of.SelectMany(c => finer[c]).Order().ToArray())];
            Alphabet = merged;
        }

        _classesOfSets = classes;
    }

    public Alphabet Alphabet { get; }

    /// <summary>A row for each set, which leads to the base.</summary>
    /// <returns>Which row is that of a set.</returns>
    public Dictionary<CharSet, int> AddSets(List<NfaRow> rows)
    {
        var places = new Dictionary<CharSet, int>();
        for (int i = 0; i < _sets.Count; i++)
        {
            int[] inside = _classesOfSets[i];
            bool most = 2 * inside.Length > Alphabet.Count;
            int[] written = most ? [.. Enumerable.Range(0, Alphabet.Count).Except(inside)] : inside;
            _fuel.Step(most ? Alphabet.Count : inside.Length);
            int[] targets = new int[written.Length];
            Array.Fill(targets, most ? -1 : 0);
            places.Add(_sets[i], rows.Count);
            rows.Add(new NfaRow(most ? 0 : -1, written, targets));
        }

        return places;
    }

    /// <summary>Rows for each automaton's states, which lead from its first.</summary>
    /// <returns>Where those of an automaton start.</returns>
    public Dictionary<Table, int> AddTables(List<NfaRow> rows)
    {
        var places = new Dictionary<Table, int>();
        foreach (Table table in _tables)
        {
            Table translated = Translation.Common(table, new Table(Alphabet, [0, 0], [-1], [], [], new Bits(1), null), _fuel).First;
            places.Add(table, rows.Count);
            for (int state = 0; state < table.StateCount; state++)
                rows.Add(new NfaRow(translated.Default(state), translated.Classes(state).ToArray(), translated.Targets(state).ToArray()));
        }

        return places;
    }

    private void Collect(Expression expression, HashSet<CharSet> sets, HashSet<Table> tables)
    {
        switch (expression)
        {
            case OneOf one when sets.Add(one.Set):
                _sets.Add(one.Set);
                break;
            case Within within when tables.Add(within.Table):
                _tables.Add(within.Table);
                break;
            case Repetition repetition:
                Collect(repetition.Inner, sets, tables);
                break;
            case Sequence sequence:
                foreach (Expression part in sequence.Parts)
                    Collect(part, sets, tables);
                break;
            case Choice choice:
                foreach (Expression branch in choice.Branches)
                    Collect(branch, sets, tables);
                break;
        }
    }
}
