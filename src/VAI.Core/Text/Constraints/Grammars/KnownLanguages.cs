using System.Collections.Concurrent;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Grammars;

/// <summary>
/// The languages of one constraint's patterns, each made once: tools are schemas of their own that have most of them in common, and a constraint is made
/// into a grammar once as it is and once for each model's marks. Thread-safe: two may make the same at once.
/// </summary>
internal sealed class KnownLanguages
{
    private static readonly ConcurrentDictionary<string, Automaton> Own = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<(string Pattern, bool Search), Automaton> _patterns = [];
    private readonly ConcurrentDictionary<(Automaton, Automaton), Automaton> _both = [];

    /// <summary>The texts that a pattern of ours matches, of which there are a few: made once for the process, and at nobody's cost.</summary>
    public static Automaton Ours(string pattern) => Own.GetOrAdd(pattern, static p => RegexParser.Parse(p, search: false, new Fuel()));

    /// <summary>Whether a pattern's is known.</summary>
    public bool HasPattern(string pattern, bool search) => _patterns.ContainsKey((pattern, search));

    /// <summary>The texts that a pattern matches.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="search">Whether it may be anywhere in them.</param>
    /// <param name="fuel">What it may cost, if it is not known.</param>
    public Automaton Pattern(string pattern, bool search, Fuel fuel)
    {
        if (!_patterns.TryGetValue((pattern, search), out Automaton? known))
            _patterns[(pattern, search)] = known = RegexParser.Parse(pattern, search, fuel);
        return known;
    }

    /// <summary>What is in two of them.</summary>
    public Automaton Both(Automaton one, Automaton other, Fuel fuel)
    {
        if (!_both.TryGetValue((one, other), out Automaton? known))
            _both[(one, other)] = known = one.Intersect(other, fuel);
        return known;
    }
}
