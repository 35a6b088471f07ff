using System.Text.Json;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Schemas;

/// <summary>The arguments of a call, where they are no JSON.</summary>
internal sealed partial class SchemaCompiler
{
    private ArgumentForm? _form;
    private ArgumentTypes _types = ArgumentTypes.Any;

    // Of which values a rule is, and how they are written.
    private enum Part
    {
        Json,

        /// <summary>The arguments, as the form has them.</summary>
        Arguments,

        /// <summary>The strings that an argument may be, as the form has them.</summary>
        Texts,

        /// <summary>What else it may be, as JSON.</summary>
        Others,

        /// <summary>Any value, as the form has it.</summary>
        Deep,
    }

    /// <summary>Adds the rule of the arguments of a call.</summary>
    /// <param name="grammar">To what.</param>
    /// <param name="schema">What they must be.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="form">How they are written; null for JSON.</param>
    /// <param name="isOurs">Whether the schema is none that somebody gave, and costs nobody anything.</param>
    /// <exception cref="SchemaError">It is no schema, or cannot be held, or what it allows cannot be written so.</exception>
    public static (int Rule, ArgumentTypes Types) AddArguments(GrammarBuilder grammar, string schema, string place, ArgumentForm? form, bool isOurs = false)
    {
        ArgumentTypes types = ArgumentTypes.Any;
        int rule = Guarded(grammar, schema, place, (document, fuel) =>
        {
            SchemaItem[] all = [document.Root, document.Made(document.Root, "type", """{"type":"object"}""")];
            var compiler = new SchemaCompiler(document, grammar, fuel, inOrder: true, closed: true) { _form = form };
            if (form is null)
                return compiler.Whole(compiler.Rule(all));
            compiler._types = types = compiler.TypesOfArguments(all);
            return compiler.Whole(compiler.Rule(all, Part.Arguments));
        }, isOurs);
        return (rule, types);
    }

    // By each alternative of the whole: which one it is may not be known yet where an argument stands.
    private ArgumentTypes TypesOfArguments(IReadOnlyList<SchemaItem> all)
    {
        List<Facts> objects = [.. _expansion.Of(all).Where(f => f.Types.HasFlag(JsonTypes.Object))];
        if (objects.Any(f => f.Values is not null))
            throw new SchemaError(_document.Root.Pointer, "this model's format of calls has no place for a list of whole values");
        var names = new Dictionary<string, JsonTypes>(StringComparer.Ordinal);
        JsonTypes others = JsonTypes.None;
        foreach (string name in objects.SelectMany(f => f.Schemas).SelectMany(NamesOf))
            names[name] = JsonTypes.None;
        foreach (Facts facts in objects)
        {
            bool closed = IsClosed(facts.Schemas);
            var own = facts.Schemas.SelectMany(NamesOf).ToHashSet(StringComparer.Ordinal);
            foreach (string name in names.Keys)
            {
                names[name] |= TypesOf(
                    Applying(facts.Schemas, own.Contains(name) ? name : null, (schema, pattern) => _strings.Pattern(pattern, schema.Pointer).Matches(name), closed));
            }

            // One of the patterns may be that of a name, or none.
            foreach (string? pattern in facts.Schemas.SelectMany(s => Members(s, "patternProperties").Select(p => p.Name)).Append(null))
                others |= TypesOf(Applying(facts.Schemas, null, (_, p) => p == pattern, closed));
        }

        return new ArgumentTypes(names, others);
    }

    private static IEnumerable<string> NamesOf(SchemaItem schema) =>
        Members(schema, "properties").Select(p => p.Name).Concat(schema.Find("required") is { ValueKind: JsonValueKind.Array } required
            ? required.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(n => n.GetString()!) : []);

    private JsonTypes TypesOf(IReadOnlyList<SchemaItem>? schemas) => schemas is null ? JsonTypes.None
        : _expansion.Of(schemas).Aggregate(JsonTypes.None, static (all, f) => all | (f.Values is { } values ? f.Types & values.Aggregate(JsonTypes.None, static (a, v) => a | JsonValue.TypeOf(v)) : f.Types));

    // Keys that are no strings are the names that are known, and plain words.
    private Automata.Automaton RawKeys(Automata.Automaton? within, IReadOnlyList<string> names, bool outer)
    {
        if (names.FirstOrDefault(n => !_form!.CanName(n, outer)) is { } name)
            throw new SchemaError($"{_document.Root.Pointer}/properties/{name}", "this model's format of calls cannot write such a name");
        Automata.Automaton keys = _numbers.Pattern(Automata.PlainKeys.Pattern);
        if (names.Count > 0)
            keys = keys.Union(Automata.Automaton.OfStrings(names, _fuel), _fuel);
        return within is null ? keys : keys.Intersect(within, _fuel);
    }
}
