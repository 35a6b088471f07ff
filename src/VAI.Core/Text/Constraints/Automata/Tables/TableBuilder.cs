using System.Runtime.InteropServices;

namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>A table, row by row in the order of the states. What leads where most lead is not written out.</summary>
internal sealed class TableBuilder(Alphabet alphabet, Fuel fuel)
{
    // An edge is two numbers, which a growing list copies.
    private const int StepsOfEdge = 2;

    // However small it is.
    private const int StepsOfTable = 150;

    private readonly List<int> _starts = [0];
    private readonly List<int> _defaults = [];
    private readonly List<int> _classes = [];
    private readonly List<int> _targets = [];
    private readonly List<int> _accepting = [];
    private readonly List<int> _rowClasses = [];
    private readonly List<int> _rowTargets = [];
    private List<int>? _labels;
    private bool _sorted = true;

    /// <summary>A transition of the row that <see cref="EndRow"/> ends; one for each class at most.</summary>
    public void Edge(int of, int target)
    {
        _sorted = _sorted && (_rowClasses.Count == 0 || _rowClasses[^1] < of);
        _rowClasses.Add(of);
        _rowTargets.Add(target);
    }

    /// <summary>Ends the row of the next state.</summary>
    /// <param name="otherwise">Where the classes lead that have no edge; of no meaning where all have one.</param>
    /// <param name="accepts">Whether it accepts.</param>
    /// <param name="label">-1 for none.</param>
    public void EndRow(int otherwise, bool accepts, int label = -1)
    {
        fuel.Step(1 + (StepsOfEdge * _rowClasses.Count));
        Span<int> classes = CollectionsMarshal.AsSpan(_rowClasses);
        Span<int> targets = CollectionsMarshal.AsSpan(_rowTargets);
        if (!_sorted)
            classes.Sort(targets);
        int usual = Usual(targets, otherwise);
        // The usual one is another than that of the classes without an edge only where most have one.
        for (int i = 0, of = 0; i < classes.Length || (usual != otherwise && of < alphabet.Count); of++)
        {
            if (usual == otherwise)
                of = classes[i];
            int target = i < classes.Length && classes[i] == of ? targets[i++] : otherwise;
            if (target == usual)
                continue;
            _classes.Add(of);
            _targets.Add(target);
        }

        if (accepts)
            _accepting.Add(_defaults.Count);
        if (label >= 0)
            _labels ??= [.. Enumerable.Repeat(-1, _defaults.Count)];
        _labels?.Add(label);
        _defaults.Add(usual);
        _starts.Add(_classes.Count);
        _rowClasses.Clear();
        _rowTargets.Clear();
        _sorted = true;
    }

    public Table Build()
    {
        fuel.Step(StepsOfTable);
        var accepting = new Bits(_defaults.Count);
        foreach (int state in _accepting)
            accepting[state] = true;
        return new Table(alphabet, [.. _starts], [.. _defaults], [.. _classes], [.. _targets], accepting, _labels?.ToArray());
    }

    private int Usual(ReadOnlySpan<int> targets, int otherwise)
    {
        int others = alphabet.Count - targets.Length;
        if (others >= targets.Length)
            return otherwise;
        int[] sorted = targets.ToArray();
        Array.Sort(sorted);
        (int usual, int most) = (otherwise, others);
        for (int i = 0; i < sorted.Length;)
        {
            int from = i;
            while (i < sorted.Length && sorted[i] == sorted[from])
                i++;
            int count = i - from + (sorted[from] == otherwise ? others : 0);
            if (count > most)
                (usual, most) = (sorted[from], count);
        }

        return usual;
    }
}
