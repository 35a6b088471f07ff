using System.Globalization;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Grammars;

/// <summary>Puts a grammar together, from what comes last to what comes first.</summary>
/// <param name="mostNodes">The most parts of it.</param>
/// <param name="languages">Those that are known already; null for none.</param>
internal sealed class GrammarBuilder(int mostNodes = GrammarBuilder.MostNodes, KnownLanguages? languages = null)
{
    /// <summary>Of what is made of schemas, of which a part may be much.</summary>
    public const int MostNodes = 100_000;

    /// <summary>Of what somebody wrote part by part.</summary>
    public const int MostWritten = 200_000;

    /// <summary>Ways in which a text may go on at one place: whoever follows it goes all of them at once.</summary>
    public const int MostWays = 4096;

    private int _most = mostNodes;

    private readonly List<Node> _nodes = [new EndNode()];

    /// <summary>What the languages in it may cost: twice what one schema may.</summary>
    public Fuel Fuel { get; } = new(2 * Fuel.DefaultStates, 2 * Fuel.DefaultSteps);

    /// <summary>The languages of its patterns.</summary>
    public KnownLanguages Languages { get; } = languages ?? new();

    /// <summary>The end of any rule.</summary>
    public int End => 0;

    /// <exception cref="ConstraintTooLarge">There are too many.</exception>
    public int Add(Node node)
    {
        if (_nodes.Count >= _most)
            throw new ConstraintTooLarge(string.Create(CultureInfo.InvariantCulture, $"it has more than {_most:N0} parts"));
        CheckWays(node);
        _nodes.Add(node);
        return _nodes.Count - 1;
    }

    /// <summary>A place for a rule that is not known yet, as one that contains itself.</summary>
    public int Reserve() => Add(new ChoiceNode([]));

    /// <summary>Nodes so far.</summary>
    public int Count => _nodes.Count;

    /// <summary>For one of several: no more than half of what is left.</summary>
    /// <returns>What there may be of all, which is given back with <see cref="EndShare"/>.</returns>
    public int BeginShare()
    {
        int all = _most;
        _most = _nodes.Count + ((_most - _nodes.Count) / 2);
        return all;
    }

    /// <param name="all">What <see cref="BeginShare"/> gave.</param>
    public void EndShare(int all) => _most = all;

    /// <summary>Takes back what was added since there were so many, and nothing refers to.</summary>
    public void Truncate(int count) => _nodes.RemoveRange(count, _nodes.Count - count);

    public void Set(int node, Node to)
    {
        CheckWays(to);
        _nodes[node] = to;
    }

    public int Text(Automaton language, int next, bool spaced = false) => Add(new TextNode(language, next, spaced));

    public int Choice(IReadOnlyList<int> of) => of.Count == 1 ? of[0] : Add(new ChoiceNode(of));

    public Grammar Build(int start) => new(_nodes, start);

    /// <exception cref="ConstraintTooLarge">It has too many.</exception>
    public static void CheckWays(int ways)
    {
        if (ways > MostWays)
            throw TooAmbiguous();
    }

    /// <summary>What has too many.</summary>
    public static ConstraintTooLarge TooAmbiguous() =>
        new(string.Create(CultureInfo.InvariantCulture, $"it is too ambiguous: a text can go on in more than {MostWays:N0} ways"));

    private static void CheckWays(Node node)
    {
        if (node is ChoiceNode choice)
            CheckWays(choice.Of.Count);
    }
}
