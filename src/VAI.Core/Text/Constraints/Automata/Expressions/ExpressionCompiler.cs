using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>From an expression to nodes (Thompson 1968), back to front: what comes next is there before what leads to it.</summary>
internal sealed class ExpressionCompiler
{
    private readonly Fuel _fuel;
    private readonly Nfa _nfa;
    private readonly Dictionary<CharSet, int> _rowOfSet;
    private readonly Dictionary<Table, int> _rowsOfTable;

    private ExpressionCompiler(Expression expression, Fuel fuel)
    {
        _fuel = fuel;
        var common = new CommonAlphabet(expression, fuel);
        _nfa = new Nfa(common.Alphabet, fuel);
        _rowOfSet = common.AddSets(_nfa.Rows);
        _rowsOfTable = common.AddTables(_nfa.Rows);
    }

    /// <param name="expression">Nested no deeper than a stack takes.</param>
    /// <param name="anywhere">Whether texts match that have it anywhere in them.</param>
    /// <param name="fuel">What it may cost.</param>
    public static Automaton Compile(Expression expression, bool anywhere, Fuel fuel)
    {
        Nfa nfa = new ExpressionCompiler(expression, fuel).Compile(expression, anywhere);
        return Shrinking.Finish(Determinizer.Build(nfa, fuel), fuel);
    }

    private Nfa Compile(Expression expression, bool anywhere)
    {
        int start = Add(expression, _nfa.AddFinal(anywhere));
        if (anywhere)
        {
            _nfa.Rows.Add(new NfaRow(0, [], []));
            int before = _nfa.AddReading(_nfa.Rows.Count - 1, _nfa.Count);
            _nfa[before].First = start;
            start = before;
        }

        _nfa.Start = start;
        return _nfa;
    }

    private int Add(Expression expression, int next)
    {
        _fuel.Step();
        switch (expression)
        {
            case OneOf one:
                return _nfa.AddReading(_rowOfSet[one.Set], next);
            case Sequence sequence:
                for (int i = sequence.Parts.Count - 1; i >= 0; i--)
                    next = Add(sequence.Parts[i], next);
                return next;
            case Choice choice:
                int chosen = Add(choice.Branches[^1], next);
                for (int i = choice.Branches.Count - 2; i >= 0; i--)
                    chosen = _nfa.AddSplit(Add(choice.Branches[i], next), chosen);
                return chosen;
            case Repetition repetition:
                return AddRepetition(repetition, next);
            case Anchor anchor:
                return _nfa.AddSplit(next, gate: anchor.AtStart ? Gate.AtStart : Gate.AtEnd);
            case Within within:
                return AddTable(within.Table, next);
            default:
                throw new InvalidOperationException();
        }
    }

    private int AddRepetition(Repetition repetition, int next)
    {
        int required = repetition.Min;
        if (repetition.Max is not { } max)
        {
            int loop = _nfa.AddSplit(-1, next);
            int body = Add(repetition.Inner, loop);
            _nfa[loop].First = body;
            next = required > 0 ? body : loop;
            required--;
        }
        else
        {
            int end = next;
            for (int i = required; i < max; i++)
            {
                int body = Add(repetition.Inner, next);
                if (body == next)
                    break;
                next = _nfa.AddSplit(body, end);
            }
        }

        for (int i = 0; i < required; i++)
        {
            int body = Add(repetition.Inner, next);
            if (body == next)
                break;
            next = body;
        }

        return next;
    }

    private int AddTable(Table table, int next)
    {
        int first = _nfa.Count;
        int row = _rowsOfTable[table];
        for (int state = 0; state < table.StateCount; state++)
        {
            int node = _nfa.AddReading(row + state, first);
            if (table.Accepts(state))
                _nfa[node].First = next;
        }

        return first;
    }
}
