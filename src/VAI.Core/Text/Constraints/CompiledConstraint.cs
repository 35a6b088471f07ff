using System.Runtime.CompilerServices;
using VAI.Native.Llama;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Matching;
using VAI.Text.Constraints.Schemas;

namespace VAI.Text.Constraints;

/// <summary>A constraint that is ready to be followed. The last ones are kept. Thread-safe.</summary>
internal sealed class CompiledConstraint
{
    private const int MostKept = 64;
    private const int MostMatchers = 4;

    private static readonly Lock Gate = new();
    private static readonly LinkedList<(Constraint Constraint, CompiledConstraint Compiled)> Kept = [];

    private readonly ConditionalWeakTable<LlamaVocab, Stack<MaskedMatcher>> _matchers = [];
    private readonly Grammar _grammar;

    private CompiledConstraint(Grammar grammar) => _grammar = grammar;

    /// <summary>It, ready.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>.</exception>
    public static CompiledConstraint Of(Constraint constraint)
    {
        lock (Gate)
        {
            for (LinkedListNode<(Constraint Constraint, CompiledConstraint Compiled)>? at = Kept.First; at is not null; at = at.Next)
            {
                if (at.Value.Constraint != constraint)
                    continue;
                Kept.Remove(at);
                Kept.AddFirst(at);
                return at.Value.Compiled;
            }
        }

        var compiled = new CompiledConstraint(Compile(constraint));
        lock (Gate)
        {
            Kept.AddFirst((constraint, compiled));
            if (Kept.Count > MostKept)
                Kept.RemoveLast();
        }

        return compiled;
    }

    public bool Accepts(string text) => new Matcher(_grammar).Matches(text);

    /// <summary>A matcher of the caller's own, until it is given back: what one has found out the next one knows.</summary>
    public MaskedMatcher Take(LlamaVocab vocab)
    {
        Stack<MaskedMatcher> free = _matchers.GetOrCreateValue(vocab);
        lock (free)
        {
            if (free.TryPop(out MaskedMatcher? matcher))
                return matcher;
        }

        return new MaskedMatcher(_grammar, VocabularyTries.Of(vocab));
    }

    /// <summary>Gives one back.</summary>
    public void Return(LlamaVocab vocab, MaskedMatcher matcher)
    {
        Stack<MaskedMatcher> free = _matchers.GetOrCreateValue(vocab);
        lock (free)
        {
            if (free.Count < MostMatchers && !matcher.IsLarge)
                free.Push(matcher);
        }
    }

    private static Grammar Compile(Constraint constraint)
    {
        try
        {
            switch (constraint.Kind)
            {
                case ConstraintKind.JsonSchema:
                    return SchemaCompiler.Compile(constraint.Text);
                case ConstraintKind.Regex:
                    Automaton language = RegexParser.Parse(constraint.Text, search: false, new Fuel());
                    if (language.IsEmpty)
                        throw Invalid("The regular expression matches no text.");
                    var grammar = new GrammarBuilder();
                    return grammar.Build(grammar.Text(language, grammar.End));
                default:
                    throw Invalid($"'{constraint.Kind}' is no language of constraints.");
            }
        }
        catch (SchemaError e)
        {
            throw Invalid($"The schema cannot be held at {e.Pointer}: {e.What}. Change it there, or leave it out.", e);
        }
        catch (Exception e) when (e is PatternError or ConstraintTooLarge)
        {
            throw Invalid($"The regular expression cannot be held: {e.Message}.", e);
        }
    }

    private static VaiUsageException Invalid(string message, Exception? inner = null) => new(VaiError.InvalidConstraint, message, inner);
}
