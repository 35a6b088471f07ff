using System.Text.Json;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Matching;

namespace VAI.Text.Constraints.Schemas;

/// <summary>
/// Makes the grammar of the JSON texts that fit a schema: a rule for each set of schemas that hold together of one value, so that references, also to
/// themselves, and conjunctions are rules that call each other.
/// </summary>
internal sealed partial class SchemaCompiler
{
    // Between tokens: nothing, a space, or the next line with its indentation. Bounded, since a model may like nothing better.
    private const string Space = "( |\\r?\\n[ \\t]{0,32})?";

    private readonly SchemaDocument _document;
    private readonly Expansion _expansion;
    private readonly GrammarBuilder _grammar = new();
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal);
    private readonly Fuel _fuel = new();
    private readonly NumberLanguages _numbers;
    private readonly StringLanguages _strings;
    private readonly bool _inOrder;

    private SchemaCompiler(SchemaDocument document, bool inOrder)
    {
        (_document, _inOrder) = (document, inOrder);
        _expansion = new Expansion(document);
        _numbers = new NumberLanguages(_fuel);
        _strings = new StringLanguages(_fuel);
    }

    /// <param name="schema">The schema.</param>
    /// <param name="inOrder">Whether members come in the order of the schema; else in any.</param>
    /// <exception cref="SchemaError">It is none, or cannot be held.</exception>
    public static Grammar Compile(string schema, bool inOrder = true)
    {
        var document = new SchemaDocument(schema);
        try
        {
            var compiler = new SchemaCompiler(document, inOrder);
            Grammar grammar = compiler._grammar.Build(compiler.Rule([document.Root]));
            return grammar.IsPossible ? grammar : throw new SchemaError("#", "no value fits the schema");
        }
        catch (ConstraintTooLarge e)
        {
            throw new SchemaError("#", $"the schema is too large ({e.Message})");
        }
    }

    // The rule of a value that fits them all.
    private int Rule(IReadOnlyList<SchemaItem> schemas)
    {
        string key = string.Join(',', schemas.Select(s => s.Id).Distinct().Order());
        if (_rules.TryGetValue(key, out int rule))
            return rule;
        _rules[key] = rule = _grammar.Reserve();
        _grammar.Set(rule, new ChoiceNode([.. _expansion.Of(schemas).SelectMany(Alternatives)]));
        return rule;
    }

    private IEnumerable<int> Alternatives(Facts facts) => facts.Values is { } values ? Values(facts, values) : Types(facts);

    private List<int> Types(Facts facts)
    {
        var all = new List<int>();
        if (facts.Types.HasFlag(JsonTypes.Null))
            all.Add(Text("null"));
        if (facts.Types.HasFlag(JsonTypes.Boolean))
            all.Add(Text("true|false"));
        if ((facts.Types & JsonTypes.Number) != 0)
            all.Add(_grammar.Text(Numbers(facts), _grammar.End));
        if (facts.Types.HasFlag(JsonTypes.String))
        {
            (Automaton language, int least, int most) = _strings.Of(facts.Schemas);
            all.Add(Text("\"", _grammar.Add(new StringNode(language, least, most, _grammar.End))));
        }

        if (facts.Types.HasFlag(JsonTypes.Array))
            all.Add(Array(facts.Schemas));
        if (facts.Types.HasFlag(JsonTypes.Object))
            all.Add(Object(facts.Schemas));
        return all;
    }

    private Automaton Numbers(Facts facts)
    {
        bool whole = (facts.Types & JsonTypes.Number) == JsonTypes.Integer;
        Automaton? language = whole ? _numbers.Integer : null;
        if ((facts.Types & JsonTypes.Number) == JsonTypes.Fraction)
            language = _numbers.Plain.Except(_numbers.Pattern("-?[0-9]+(\\.0+)?"), _fuel);
        foreach (SchemaItem schema in facts.Schemas)
        {
            Take(schema, "minimum", n => _numbers.AtLeast(n, exclusive: false));
            Take(schema, "exclusiveMinimum", n => _numbers.AtLeast(n, exclusive: true));
            Take(schema, "maximum", n => _numbers.AtMost(n, exclusive: false));
            Take(schema, "exclusiveMaximum", n => _numbers.AtMost(n, exclusive: true));
            Take(schema, "multipleOf", n => n.Digits.Sign > 0 ? _numbers.MultiplesOf(n) : throw new SchemaError(schema.Pointer + "/multipleOf", "it is not above 0"));
        }

        return language ?? _numbers.Number;

        void Take(SchemaItem schema, string keyword, Func<Decimal, Automaton> of)
        {
            if (schema.Find(keyword) is not { } value)
                return;
            string pointer = $"{schema.Pointer}/{keyword}";
            if (value.ValueKind != JsonValueKind.Number || !Decimal.TryRead(value.GetRawText(), out Decimal number))
                throw new SchemaError(pointer, "it is no number that can be held");
            if (number.Parts.Whole.Length > 18 || number.Parts.Part.Length > 17)
                throw new SchemaError(pointer, "it has more digits than can be held: 18 before the point and 17 behind");
            try
            {
                language = (language ?? _numbers.Plain).Intersect(of(number), _fuel);
            }
            catch (ConstraintTooLarge e)
            {
                throw new SchemaError(pointer, $"it cannot be held ({e.Message})");
            }
        }
    }

    // Those that fit what else is said.
    private IEnumerable<int> Values(Facts facts, List<JsonElement> values)
    {
        Matcher? fits = facts.Schemas.Count == 0 ? null : Fitting(facts);
        List<JsonElement> left = [.. values.Where(v => (JsonValue.TypeOf(v) & facts.Types) != 0)];
        if (facts.Schemas.Count > 0)
            left.RemoveAll(v => fits is null || !fits.Matches(JsonText.Write(v)));
        string[] strings = [.. left.Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!).Distinct(StringComparer.Ordinal)];
        IEnumerable<int> rules = left.Where(v => v.ValueKind != JsonValueKind.String).Select(v => Literal(v, _grammar.End));
        return strings.Length == 0 ? rules : rules.Append(Strings(strings, _grammar.End));
    }

    private Matcher? Fitting(Facts facts)
    {
        Facts open = facts.Copy();
        open.Values = null;
        Grammar grammar = _grammar.Build(_grammar.Choice(Types(open)));
        return grammar.IsPossible ? new Matcher(grammar) : null;
    }

    // A value as it is, its members in any order.
    private int Literal(JsonElement value, int next)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Strings([value.GetString()!], next);
            case JsonValueKind.Number:
                return _grammar.Text(
                    Decimal.TryRead(value.GetRawText(), out Decimal number) ? _numbers.Literal(number) : throw new ConstraintTooLarge("a number has too many digits"), next);
            case JsonValueKind.Array:
                int end = Text($"{Space}\\]", next);
                JsonElement[] items = [.. value.EnumerateArray()];
                for (int i = items.Length - 1; i >= 0; i--)
                {
                    end = Literal(items[i], end);
                    if (i > 0)
                        end = Text($",{Space}", end);
                }

                return Text($"\\[{Space}", end);
            case JsonValueKind.Object:
                JsonProperty[] members = [.. value.EnumerateObject()];
                return Members(
                    [.. members.Select(m => m.Name)], [.. members.Select(m => m.Name)], [], within: null,
                    kind => kind.Name < 0 ? null : Literal(members[kind.Name].Value, _grammar.End), members.Length, members.Length, next);
            default:
                return Text(value.GetRawText(), next);
        }
    }

    private int Strings(string[] strings, int next) =>
        Text("\"", _grammar.Add(new StringNode(Automaton.OfStrings(strings, _fuel), 0, int.MaxValue, next)));

    private int Text(string pattern, int next) => _grammar.Text(_numbers.Pattern(pattern), next);

    private int Text(string pattern) => Text(pattern, _grammar.End);
}

/// <summary>JSON values as text.</summary>
internal static class JsonText
{
    public static string Write(JsonElement value) => value.ValueKind == JsonValueKind.Number && Schemas.Decimal.TryRead(value.GetRawText(), out Decimal number)
        ? number.Parts is var (whole, part) && number.IsNegative ? $"-{whole}{(part.Length > 0 ? "." + part : "")}" : $"{number.Parts.Whole}{(number.Parts.Part.Length > 0 ? "." + number.Parts.Part : "")}"
        : value.GetRawText();
}
