using System.Runtime.CompilerServices;
using System.Text.Json;
using VAI.Native;
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
    /// <summary>The most tools of an answer.</summary>
    public const int MostTools = 128;

    // All schemas of tools together.
    private const int MostToolChars = 4 << 20;

    private const int MostShown = 300;

    private const int MostKept = 32;
    private const int MostGrammars = 4;

    // Together: what was allocated to make those that are kept, of which they are a part, and what their matchers found out.
    private const long MostMadeBytes = 512 << 20, MostKeptBytes = 256 << 20;

    private static readonly Lock Gate = new();
    private static readonly LinkedList<CompiledConstraint> Kept = [];
    private static readonly Dictionary<Constraint, Lazy<CompiledConstraint>> Making = [];

    private readonly ConditionalWeakTable<LlamaVocab, Ready> _ready = [];
    private readonly Constraint _constraint;
    private readonly KnownLanguages _languages = new();
    private readonly Grammar _grammar;
    private readonly long _made;

    private CompiledConstraint(Constraint constraint)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        _constraint = constraint;
        Tools = constraint.Kind == ConstraintKind.Tools ? ReadTools(constraint.Text) : null;
        _grammar = Build(null, null, false);
        if (constraint.Kind == ConstraintKind.Gbnf)
            GbnfCompiler.Check(_grammar, constraint.Text);
        if (!_grammar.IsPossible)
            throw constraint.Kind == ConstraintKind.JsonSchema ? new SchemaError("#", "no value fits it") : Invalid("Nothing satisfies the constraint.");
        _made = GC.GetAllocatedBytesForCurrentThread() - before;
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
        Lazy<CompiledConstraint>? making;
        lock (Gate)
        {
            for (LinkedListNode<CompiledConstraint>? at = Kept.First; at is not null; at = at.Next)
            {
                if (at.Value._constraint != constraint)
                    continue;
                Kept.Remove(at);
                Kept.AddFirst(at);
                return at.Value;
            }

            // Whoever asks for the same meanwhile waits for it.
            if (!Making.TryGetValue(constraint, out making))
                Making[constraint] = making = new(() => Typed(() => new CompiledConstraint(constraint)));
        }

        CompiledConstraint? compiled = null;
        try
        {
            return compiled = making.Value;
        }
        finally
        {
            lock (Gate)
            {
                if (Making.Remove(constraint) && compiled is not null)
                    Keep(compiled);
            }
        }
    }

    public bool Accepts(string text) => Typed(() => new Matcher(_grammar).Matches(text));

    /// <summary>A matcher of the caller's own, until it is given back: what one has found out the next one knows.</summary>
    /// <param name="vocab">The model's.</param>
    /// <param name="format">The marks of what it thinks before; null where it does not.</param>
    /// <param name="begins">Whether it has begun to think.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.InvalidConstraint"/>: with these marks it is too large, or no answer of this vocabulary's tokens begins as it must.
    /// </exception>
    public MaskedMatcher Take(LlamaVocab vocab, ReasoningFormat? format = null, bool begins = false)
    {
        Ready ready = _ready.GetOrCreateValue(vocab);
        Lazy<Grammar>? grammar;
        lock (ready)
        {
            if (ready.Free.Remove((format, begins), out MaskedMatcher? free))
                return free;
            if (!ready.Grammars.TryGetValue((format, begins), out grammar))
            {
                if (ready.Grammars.Count >= MostGrammars)
                    ready.Grammars.Clear();

                // Where there are no marks it is the same for all.
                ready.Grammars[(format, begins)] = grammar = new(() => format is null && Tools is null ? _grammar : Build(vocab, format, begins));
            }
        }

        // Without the lock, since the pipeline's thread takes it; the first mask too is found here, where nobody else waits for it.
        return Typed(() =>
        {
            VocabularyTries tries = VocabularyTries.Of(vocab);
            if (!tries.HasEnd)
                throw Invalid("The model's vocabulary has no token that ends an answer, so that no constraint can be held. Use another conversion of the model.");
            var matcher = new MaskedMatcher(grammar.Value, tries);
            Some(matcher.Mask(matcher.Matcher.Start));
            return matcher;
        });
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

        Shed();
    }

    /// <summary>A mask that has a token.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>: it has none.</exception>
    public static ulong[] Some(ulong[] mask) => mask.AsSpan().ContainsAnyExcept(0UL) ? mask : throw Invalid(
        "The constraint cannot be held with this model: its vocabulary has no tokens for the characters that have to come next. Use another model, or ask for other characters.");

    /// <summary>What an error of constraints is to whoever gave one.</summary>
    public static T Typed<T>(Func<T> act) => Typed(act, static a => a());

    /// <inheritdoc cref="Typed{T}(Func{T})"/>
    public static T Typed<TOf, T>(TOf of, Func<TOf, T> act)
    {
        try
        {
            return act(of);
        }
        catch (SchemaError e)
        {
            throw Invalid($"The schema cannot be held at {Shown(e.Pointer)}: {Shown(e.What)}. Change it there, or leave it out.", e);
        }
        catch (PatternError e)
        {
            throw Invalid($"The regular expression cannot be held: {Shown(e.Message)}.", e);
        }
        catch (GbnfError e)
        {
            throw Invalid($"The grammar cannot be held, in line {e.Line}: {Shown(e.What)}.", e);
        }
        catch (ConstraintTooLarge e)
        {
            throw Invalid($"The constraint cannot be held: {Shown(e.Message)}. Make it simpler.", e);
        }
    }

    private Grammar Build(LlamaVocab? vocab, ReasoningFormat? format, bool begins)
    {
        var grammar = new GrammarBuilder(_constraint.Kind == ConstraintKind.Gbnf ? GrammarBuilder.MostWritten : GrammarBuilder.MostNodes, _languages);
        var marked = new MarkedGrammar(grammar, vocab);
        ToolRules? tools = _constraint.Kind == ConstraintKind.Tools ? ToolGrammar.Add(Tools!, marked, headed: format?.Answer is not null) : null;
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
        if (text.Length > MostToolChars)
            throw Invalid($"The tools have {text.Length} characters; at most {MostToolChars} are taken. Give those that may be of use.");
        try
        {
            ToolRequest request = ToolRequest.Read(text);
            return request is { IsWhole: true, Tools.Count: <= MostTools } ? request : throw Invalid(NoTools);
        }
        catch (JsonException e)
        {
            throw Invalid(NoTools, e);
        }
    }

    private static void Keep(CompiledConstraint compiled)
    {
        Kept.AddFirst(compiled);
        while (Kept.Count > MostKept || (Kept.Count > 1 && Kept.Sum(k => k._made) > MostMadeBytes))
            Kept.RemoveLast();
    }

    // Those that were asked for longest ago forget what their matchers found out.
    private static void Shed()
    {
        CompiledConstraint[] all;
        lock (Gate)
            all = [.. Kept];
        long bytes = 0;
        foreach ((_, Ready ready) in all.SelectMany(c => c._ready))
        {
            lock (ready)
            {
                bytes += ready.Free.Values.Sum(m => m.Bytes);
                if (bytes > MostKeptBytes)
                    ready.Free.Clear();
            }
        }
    }

    private static string Shown(string text) => Excerpt.Of(text, MostShown);

    private static VaiUsageException Invalid(string message, Exception? inner = null) => new(VaiError.InvalidConstraint, message, inner);

    // What is ready for one vocabulary.
    private sealed class Ready
    {
        public Dictionary<(ReasoningFormat?, bool), Lazy<Grammar>> Grammars { get; } = [];

        public Dictionary<(ReasoningFormat?, bool), MaskedMatcher> Free { get; } = [];
    }
}
