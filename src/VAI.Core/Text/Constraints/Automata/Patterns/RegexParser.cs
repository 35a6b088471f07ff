using VAI.Text.Constraints.Automata.Expressions;
using VAI.Text.Constraints.Automata.Patterns;

namespace VAI.Text.Constraints.Automata;

/// <summary>
/// Patterns of ECMA-262 in its Unicode mode, as JSON Schema has them. What no automaton can do is refused: lookaround, backreferences, word boundaries.
/// As most implementations do, a brace or a closing bracket that can mean nothing else stands for itself, and so does a dash in brackets.
/// </summary>
internal sealed class RegexParser
{
    /// <summary>Most groups within each other.</summary>
    public const int MostDepth = 200;

    // A node of the tree, and its place in a list.
    private const int StepsOfNode = 10;

    private readonly PatternReader _reader;
    private readonly Fuel _fuel;
    private readonly Dictionary<int, OneOf> _literals = [];
    private readonly Dictionary<CharSet, OneOf> _sets = [];
    private int _depth;

    private RegexParser(string pattern, Fuel fuel) => (_reader, _fuel) = (new PatternReader(pattern), fuel);

    /// <summary>The texts that a pattern matches.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="search">Whether it may match anywhere in a text, as JSON Schema means it; else it matches a text from its start to its end.</param>
    /// <param name="fuel">What it may cost.</param>
    /// <exception cref="PatternError">The pattern is malformed, or is refused.</exception>
    /// <exception cref="ConstraintTooLarge">The fuel ran out.</exception>
    public static Automaton Parse(string pattern, bool search, Fuel fuel)
    {
        Expression expression = new RegexParser(pattern, fuel).Read();
        return ExpressionCompiler.Compile(expression, search, fuel);
    }

    private Expression Read()
    {
        Expression expression = ReadChoice();
        // Only a closing parenthesis ends a choice before the end.
        return _reader.IsAtEnd ? expression : throw new PatternError(_reader.At, "a ')' closes no group");
    }

    private Expression ReadChoice()
    {
        var branches = new List<Expression>();
        do
            branches.Add(ReadSequence());
        while (_reader.Skip('|'));
        return branches.Count == 1 ? branches[0] : new Choice(branches);
    }

    private Expression ReadSequence()
    {
        _fuel.Step(StepsOfNode);
        var parts = new List<Expression>(1);
        while (!_reader.IsAtEnd && _reader.Next is not ('|' or ')'))
        {
            _fuel.Step(StepsOfNode);
            parts.Add(ReadTerm());
        }

        return parts.Count == 1 ? parts[0] : new Sequence(parts);
    }

    private Expression ReadTerm()
    {
        int start = _reader.At;
        if (_reader.Skip('^') || _reader.Skip('$'))
        {
            int behind = _reader.At;
            if (ReadCounts(out _, out _))
                throw new PatternError(behind, "an anchor cannot be repeated");
            return new Anchor(_reader.Show(start) == "^");
        }

        if (ReadCounts(out _, out _))
            throw new PatternError(start, $"there is nothing that '{_reader.Show(start, _reader.At - start)}' could repeat");
        Expression atom = ReadAtom();
        int at = _reader.At;
        if (!ReadCounts(out int min, out int? max))
            return atom;
        if (max < min)
            throw new PatternError(at, $"the counts of '{_reader.Show(at, _reader.At - at)}' are out of order");
        // Taking as little as can be matches the same texts.
        _reader.Skip('?');
        return new Repetition(atom, min, max);
    }

    private bool ReadCounts(out int min, out int? max)
    {
        (min, max) = (0, null);
        int at = _reader.At;
        if (_reader.Skip('*'))
            return true;
        if (_reader.Skip('+'))
        {
            min = 1;
            return true;
        }

        if (_reader.Skip('?'))
        {
            max = 1;
            return true;
        }

        if (!_reader.Skip('{'))
            return false;
        min = _reader.ReadNumber();
        max = _reader.Skip(',') ? _reader.ReadNumber() : min;
        if (min >= 0 && _reader.Skip('}'))
        {
            if (max < 0)
                max = null;
            return true;
        }

        // Others mean by it from 0 on.
        if (min < 0 && _reader.Show(at, 2) == "{,")
            throw new PatternError(at, "a count has no start; write {0,n}, or \\{ for a brace");
        _reader.Return(at);
        return false;
    }

    private Expression ReadAtom()
    {
        int start = _reader.At;
        if (_reader.Skip('('))
            return ReadGroup(start);
        if (_reader.Skip('['))
            return Of(PatternClasses.Read(_reader, _fuel));
        if (_reader.Skip('.'))
            return Of(NamedSets.Dot);
        (CharSet? set, int codePoint) = _reader.Skip('\\') ? PatternEscapes.Read(_reader, inClass: false) : (null, _reader.Read());
        if (set is not null)
            return Of(set);
        if (!_literals.TryGetValue(codePoint, out OneOf? literal))
            _literals.Add(codePoint, literal = Of(CharSet.Of(codePoint)));
        return literal;
    }

    private OneOf Of(CharSet set)
    {
        if (!_sets.TryGetValue(set, out OneOf? known))
            _sets.Add(set, known = new OneOf(set));
        return known;
    }

    private Expression ReadGroup(int start)
    {
        if (++_depth > MostDepth)
            throw new PatternError(start, $"more than {MostDepth} groups are within each other");
        if (_reader.Skip("?"))
            ReadKind(start);
        Expression inner = ReadChoice();
        if (!_reader.Skip(')'))
            throw new PatternError(start, "a '(' is not closed");
        _depth--;
        return inner;
    }

    private void ReadKind(int start)
    {
        if (_reader.Skip(':'))
            return;
        if (_reader.StartsWith("=") || _reader.StartsWith("!"))
            throw new PatternError(start, $"lookahead ((?{_reader.Next}) is not supported");
        if (_reader.StartsWith("<=") || _reader.StartsWith("<!"))
            throw new PatternError(start, $"lookbehind ((?{_reader.Show(_reader.At, 2)}) is not supported");
        if (!_reader.Skip('<'))
            throw new PatternError(start, $"groups that start with '(?{(_reader.IsAtEnd ? "" : _reader.Show(_reader.At))}' are not supported");
        string? name = _reader.ReadUntil('>');
        if (string.IsNullOrEmpty(name) || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsLetterOrDigit(c) || c is '_' or '$'))
            throw new PatternError(start, "a group has no proper name between '<' and '>'");
    }
}
