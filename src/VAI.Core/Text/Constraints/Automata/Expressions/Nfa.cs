using System.Runtime.InteropServices;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>When the two ways on from a node are open that read nothing.</summary>
internal enum Gate : byte
{
    Always,
    AtStart,
    AtEnd,
}

/// <summary>Where classes lead from a node, relative to a node that it names.</summary>
/// <param name="Otherwise">Where the classes lead that are not written out; -1 for nowhere.</param>
/// <param name="Classes">Those that are, sorted.</param>
/// <param name="Targets">Where they lead; -1 for nowhere.</param>
internal sealed record NfaRow(int Otherwise, int[] Classes, int[] Targets);

/// <summary>A node of an <see cref="Nfa"/>.</summary>
internal struct NfaNode
{
    /// <summary>How it reads; -1: not at all.</summary>
    public int Row;

    /// <summary>What the row's targets count from.</summary>
    public int Base;

    /// <summary>Ways on that read nothing; -1 for none.</summary>
    public int First;
    public int Second;

    public Gate Gate;

    /// <summary>Whether a text may end here.</summary>
    public bool Final;

    /// <summary>Whether anything may follow here.</summary>
    public bool Anything;
}

/// <summary>An automaton that may be in many nodes at once, as expressions are compiled to it.</summary>
internal sealed class Nfa(Alphabet alphabet, Fuel fuel)
{
    // A node is 24 bytes in a growing list.
    private const int StepsOfNode = 4;

    private readonly List<NfaNode> _nodes = [];

    public Alphabet Alphabet => alphabet;

    public List<NfaRow> Rows { get; } = [];

    public int Count => _nodes.Count;

    public ReadOnlySpan<NfaNode> Nodes => CollectionsMarshal.AsSpan(_nodes);

    public int Start { get; set; }

    /// <summary>Whether it matters where a text starts.</summary>
    public bool HasStartGates { get; private set; }

    /// <summary>Whether it matters where a text ends.</summary>
    public bool HasEndGates { get; private set; }

    public ref NfaNode this[int node] => ref CollectionsMarshal.AsSpan(_nodes)[node];

    /// <summary>A node that reads.</summary>
    public int AddReading(int row, int @base) => Add(new NfaNode { Row = row, Base = @base, First = -1, Second = -1 });

    /// <summary>A node from which two ways, or one, go on.</summary>
    public int AddSplit(int first, int second = -1, Gate gate = Gate.Always)
    {
        HasStartGates |= gate == Gate.AtStart;
        HasEndGates |= gate == Gate.AtEnd;
        return Add(new NfaNode { Row = -1, First = first, Second = second, Gate = gate });
    }

    /// <summary>A node where texts end.</summary>
    /// <param name="anything">Whether anything may follow.</param>
    public int AddFinal(bool anything) => Add(new NfaNode { Row = -1, First = -1, Second = -1, Final = true, Anything = anything });

    private int Add(NfaNode node)
    {
        fuel.Step(StepsOfNode);
        _nodes.Add(node);
        return _nodes.Count - 1;
    }
}
