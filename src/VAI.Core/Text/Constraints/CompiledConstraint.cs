using System.Runtime.CompilerServices;
using System.Text.Json;
using VAI.Native.Llama;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Gbnf;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Matching;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools;

namespace VAI.Text.Constraints;

/// <summary>A constraint that is ready to be followed. The last ones are kept. Thread-safe.</summary>
internal sealed class CompiledConstraint
{
    // With what their matchers found out, each has up to some 30 MB.
    private const int MostKept = 32;
    private const int MostGrammars = 4;

    private static readonly Lock Gate = new();
    private static readonly LinkedList<(Constraint Constraint, CompiledConstraint Compiled)> Kept = [];

    private readonly ConditionalWeakTable<LlamaVocab, Ready> _ready = [];
    private readonly Constraint _constraint;
    private readonly Grammar _grammar;

    private CompiledConstraint(Constraint constraint)
    {
        _constraint = constraint;
        Tools = constraint.Kind == ConstraintKind.Tools ? ReadTools(constraint.Text) : null;
        _grammar = Build(null, null, false);
        if (constraint.Kind == ConstraintKind.Gbnf)
            GbnfCompiler.Check(_grammar, constraint.Text);
        if (!_grammar.IsPossible)
            throw constraint.Kind == ConstraintKind.JsonSchema ? new SchemaError("#", "no value fits it") : Invalid("Nothing satisfies the constraint.");
    }

    /// <summary>The calls that the answer may have; null where it has none.</summary>
    public ToolRequest? Tools { get; }

    /// <summary>What the arguments of those tools may be.</summary>
    public IReadOnlyDictionary<string, ArgumentTypes> Arguments { get; private set; } = new Dictionary<string, ArgumentTypes>();

    /// <summary>It, ready.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>.</exception>
    public static CompiledConstraint Of(Constraint constraint)
    {
        if (constraint.Text is null)
            throw Invalid("The constraint has no text.");
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

        CompiledConstraint compiled = Typed(() => new CompiledConstraint(constraint));
        lock (Gate)
        {
            Kept.AddFirst((constraint, compiled));
            if (Kept.Count > MostKept)
                Kept.RemoveLast();
        }

        return compiled;
    }

    public bool Accepts(string text) => Typed(() => new Matcher(_grammar).Matches(text));

    /// <summary>A matcher of the caller's own, until it is given back: what one has found out the next one knows.</summary>
    /// <param name="vocab">The model's.</param>
    /// <param name="format">The marks of what it thinks before; null where it does not.</param>
    /// <param name="begins">Whether it has begun to think.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>: with these marks it is too large.</exception>
    public MaskedMatcher Take(LlamaVocab vocab, ReasoningFormat? format = null, bool begins = false)
    {
        Ready ready = _ready.GetOrCreateValue(vocab);
        lock (ready)
        {
            if (ready.Free.Remove((format, begins), out MaskedMatcher? free))
                return free;
            if (!ready.Grammars.TryGetValue((format, begins), out Grammar? grammar))
            {
                if (ready.Grammars.Count >= MostGrammars)
                    ready.Grammars.Clear();

                // Where there are no marks it is the same for all.
                grammar = format is null && Tools is null ? _grammar : Typed(() => Build(vocab, format, begins));
                ready.Grammars[(format, begins)] = grammar;
            }

            return Typed(() => new MaskedMatcher(grammar, VocabularyTries.Of(vocab)));
        }
    }

    /// <summary>Gives one back.</summary>
    public void Return(LlamaVocab vocab, ReasoningFormat? format, bool begins, MaskedMatcher matcher)
    {
        Ready ready = _ready.GetOrCreateValue(vocab);
        lock (ready)
        {
            if (ready.Free.Count < MostGrammars && !matcher.IsLarge)
                ready.Free[(format, begins)] = matcher;
        }
    }

    /// <summary>What an error of constraints is to whoever gave one.</summary>
    public static T Typed<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (SchemaError e)
        {
            throw Invalid($"The schema cannot be held at {e.Pointer}: {e.What}. Change it there, or leave it out.", e);
        }
        catch (PatternError e)
        {
            throw Invalid($"The regular expression cannot be held: {e.Message}.", e);
        }
        catch (GbnfError e)
        {
            throw Invalid($"The grammar cannot be held, in line {e.Line}: {e.What}.", e);
        }
        catch (ConstraintTooLarge e)
        {
            throw Invalid($"The constraint cannot be held: {e.Message}. Make it simpler.", e);
        }
    }

    private Grammar Build(LlamaVocab? vocab, ReasoningFormat? format, bool begins)
    {
        var grammar = new GrammarBuilder();
        var marked = new MarkedGrammar(grammar, vocab);
        ToolRules? tools = _constraint.Kind == ConstraintKind.Tools ? ToolGrammar.Add(Tools!, marked) : null;
        if (tools is not null && vocab is null)
            Arguments = tools.Types;
        int? answer = _constraint.Kind switch
        {
            ConstraintKind.JsonSchema => SchemaCompiler.Add(grammar, _constraint.Text, "#"),
            ConstraintKind.Regex => marked.Pattern(_constraint.Text, grammar.End),
            ConstraintKind.Gbnf => GbnfCompiler.Add(grammar, _constraint.Text),
            ConstraintKind.Tools => tools!.Answer,
            _ => throw Invalid($"'{_constraint.Kind}' is no language of constraints."),
        };
        if (format is not null)
            return grammar.Build(marked.Thinking(format, begins, answer, tools?.Calls, Tools?.Format.PartOpen ?? ""));
        return grammar.Build(grammar.Choice([.. new[] { answer, tools?.Calls }.OfType<int>()]));
    }

    private static ToolRequest ReadTools(string text)
    {
        const string NoTools = "The constraint's tools cannot be read. Make it with Constraint.Tools.";
        try
        {
            ToolRequest request = ToolRequest.Read(text);
            return request?.IsWhole == true ? request : throw Invalid(NoTools);
        }
        catch (JsonException e)
        {
            throw Invalid(NoTools, e);
        }
    }

    private static VaiUsageException Invalid(string message, Exception? inner = null) => new(VaiError.InvalidConstraint, message, inner);

    // What is ready for one vocabulary.
    private sealed class Ready
    {
        public Dictionary<(ReasoningFormat?, bool), Grammar> Grammars { get; } = [];

        public Dictionary<(ReasoningFormat?, bool), MaskedMatcher> Free { get; } = [];
    }
}
