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
    /// <summary>Between tokens: nothing, a space, or the next line with its indentation. Bounded, since a model may like nothing better.</summary>
    public const string Space = "( |\\r?\\n[ \\t]{0,32})?";

    private const int MostFittings = 1_000;

    // Values within what values are compared with.
    private const int MostWithin = 8;

    // Of a place of a grammar, beside its language; of a value that is listed; of one that has parts, with its rules; of an object, however small; and of a rule.
    private const int StepsOfNode = 20, StepsOfValue = 10, StepsOfParts = 2_000, StepsOfObject = 700, StepsOfRule = 150;

    private readonly SchemaDocument _document;
    private readonly Expansion _expansion;
    private readonly GrammarBuilder _grammar;
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal);
    private readonly Queue<(int Rule, IReadOnlyList<SchemaItem> Schemas, Part Part, JsonTypes Beside)> _open = [];
    private readonly Dictionary<(JsonTypes Types, Part Part, JsonTypes Beside), List<int>> _plain = [];
    private readonly Dictionary<(IReadOnlyList<JsonElement> Values, JsonTypes Types, Part Part, JsonTypes Beside), List<int>> _listed = [];
    private readonly Dictionary<string, Automaton> _literals = new(StringComparer.Ordinal);
    private readonly Fuel _fuel;
    private readonly NumberLanguages _numbers;
    private readonly StringLanguages _strings;
    private readonly bool _inOrder;
    private readonly bool _closed;
    private readonly int _within;
    private int _fittings;

    private SchemaCompiler(SchemaDocument document, GrammarBuilder grammar, Fuel fuel, bool inOrder, bool closed)
    {
        (_document, _grammar, _fuel, _inOrder, _closed) = (document, grammar, fuel, inOrder, closed);
        _expansion = new Expansion(document);
        _numbers = new NumberLanguages(grammar.Languages, fuel);
        _strings = new StringLanguages(grammar.Languages, fuel);
    }

    // Of the same schema, for values that are compared with it.
    private SchemaCompiler(SchemaCompiler outer, GrammarBuilder grammar)
    {
        (_document, _expansion, _numbers, _strings, _fuel) = (outer._document, outer._expansion, outer._numbers, outer._strings, outer._fuel);
        (_grammar, _inOrder, _closed, _within) = (grammar, false, outer._closed, outer._within + 1);
    }

    /// <param name="schema">The schema.</param>
    /// <param name="inOrder">Whether members come in the order of the schema; else in any.</param>
    /// <exception cref="SchemaError">It is none, or cannot be held.</exception>
    public static Grammar Compile(string schema, bool inOrder = true)
    {
        var grammar = new GrammarBuilder();
        Grammar built = grammar.Build(Add(grammar, schema, "#", inOrder));
        return built.IsPossible ? built : throw new SchemaError("#", "no value fits the schema");
    }

    /// <summary>Adds the rule of the values that fit a schema to a grammar.</summary>
    /// <param name="grammar">To what.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="inOrder">Whether members come in the order of the schema.</param>
    /// <exception cref="SchemaError">It is none, or cannot be held.</exception>
    public static int Add(GrammarBuilder grammar, string schema, string place, bool inOrder = true) =>
        Guarded(grammar, schema, place, (document, fuel) =>
        {
            var compiler = new SchemaCompiler(document, grammar, fuel, inOrder, closed: false);
            return compiler.Whole(compiler.Rule([document.Root]));
        });

    private static int Guarded(GrammarBuilder grammar, string schema, string place, Func<SchemaDocument, Fuel, int> add, bool isOurs = false)
    {
        Fuel fuel = isOurs ? new Fuel() : grammar.Fuel.Share();
        int nodes = grammar.BeginShare();
        try
        {
            return add(new SchemaDocument(schema, place), fuel);
        }
        catch (ConstraintTooLarge e)
        {
            throw new SchemaError(place, $"the schema is too large ({e.Message})");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException or FormatException or OverflowException)
        {
            // A keyword with a value of another type, a text that is none.
            throw new SchemaError(place, $"this is no JSON schema: a keyword has a value that it cannot have ({e.Message})");
        }
        finally
        {
            grammar.EndShare(nodes);
            if (!isOurs)
                grammar.Fuel.Take(fuel);
        }
    }

    // The rule of a value that fits them all.
    private int Rule(IReadOnlyList<SchemaItem> schemas, Part part = Part.Json, JsonTypes beside = JsonTypes.None)
    {
        string key = $"{part} {(int)beside} {string.Join(',', schemas.Select(s => s.Id).Distinct().Order())}";
        if (_rules.TryGetValue(key, out int rule))
            return rule;
        _rules[key] = rule = _grammar.Reserve();
        _open.Enqueue((rule, schemas, part, beside));
        return rule;
    }

    // Rules one after another, not each within the one that needs it first: schemas may refer to each other as deeply as they like.
    private int Whole(int start)
    {
        while (_open.TryDequeue(out (int Rule, IReadOnlyList<SchemaItem> Schemas, Part Part, JsonTypes Beside) next))
        {
            _fuel.Step(StepsOfRule);
            _grammar.Set(next.Rule, new ChoiceNode([.. _expansion.Of(next.Schemas).SelectMany(f => Alternatives(f, next.Part, next.Beside))]));
        }

        return start;
    }

    private List<int> Alternatives(Facts facts, Part part, JsonTypes beside)
    {
        if (facts.Values is not { } values)
            return Types(facts, part, beside);
        if (facts.Schemas.Count > 0)
            return Values(facts, values, part, beside);

        // Alternatives often have the values of a schema above them all.
        if (!_listed.TryGetValue((values, facts.Types, part, beside), out List<int>? known))
            _listed[(values, facts.Types, part, beside)] = known = Values(facts, values, part, beside);
        return known;
    }

    // What types alone say is the same everywhere.
    private List<int> Types(Facts facts, Part part, JsonTypes beside)
    {
        if (facts.Schemas.Count > 0)
            return TypesOf(facts, part, beside);
        if (!_plain.TryGetValue((facts.Types, part, beside), out List<int>? known))
            _plain[(facts.Types, part, beside)] = known = TypesOf(facts, part, beside);
        return known;
    }

    private List<int> TypesOf(Facts facts, Part part, JsonTypes beside)
    {
        var all = new List<int>();
        JsonTypes types = facts.Types & part switch
        {
            Part.Texts => JsonTypes.String,
            Part.Others => ~JsonTypes.String,
            Part.Arguments => JsonTypes.Object,
            _ => JsonTypes.All,
        };
        (string nothing, string yes, string no) = Words(part);
        if (types.HasFlag(JsonTypes.Null))
            all.Add(Text(nothing));
        if (types.HasFlag(JsonTypes.Boolean))
            all.Add(Text($"{yes}|{no}"));
        if ((types & JsonTypes.Number) != 0)
            all.Add(_grammar.Text(Numbers(facts), _grammar.End));
        if (types.HasFlag(JsonTypes.String))
        {
            (Automaton language, int least, int most) = _strings.Of(facts.Schemas);
            all.AddRange(String(language, least, most, part, beside, _grammar.End));
        }

        if (types.HasFlag(JsonTypes.Array))
            all.Add(Array(facts.Schemas, Within(part)));
        if (types.HasFlag(JsonTypes.Object))
            all.Add(Object(facts.Schemas, part == Part.Arguments ? part : Within(part)));
        return all;
    }

    private (string Null, string True, string False) Words(Part part) => part is Part.Deep or Part.Others ? _form!.Words : ("null", "true", "false");

    // What stands in an array or an object.
    private static Part Within(Part part) => part == Part.Deep ? Part.Deep : Part.Json;

    // None where it cannot be written.
    private IEnumerable<int> String(Automaton language, int least, int most, Part part, JsonTypes beside, int next)
    {
        if (part is not (Part.Texts or Part.Deep))
            return [Text("\"", _grammar.Add(new StringNode(language, least, most, next)))];
        if (_form!.Text(language, least, most, beside, _fuel, next) is { } node)
            return [node];
        return beside == JsonTypes.None && !language.IsEmpty ? throw new SchemaError(_document.Root.Pointer, "this model's format of calls can write no string that it allows") : [];
    }

    private Automaton Numbers(Facts facts)
    {
        bool whole = (facts.Types & JsonTypes.Number) == JsonTypes.Integer;
        Automaton? language = whole ? NumberLanguages.Integer : null;
        if ((facts.Types & JsonTypes.Number) == JsonTypes.Fraction)
            language = NumberLanguages.Plain.Except(_numbers.Pattern("-?[0-9]+(\\.0+)?"), _fuel);
        foreach (SchemaItem schema in facts.Schemas)
        {
            Take(schema, "minimum", n => _numbers.AtLeast(n, exclusive: false));
            Take(schema, "exclusiveMinimum", n => _numbers.AtLeast(n, exclusive: true));
            Take(schema, "maximum", n => _numbers.AtMost(n, exclusive: false));
            Take(schema, "exclusiveMaximum", n => _numbers.AtMost(n, exclusive: true));
            Take(schema, "multipleOf", n => n.Digits.Sign > 0 ? _numbers.MultiplesOf(n) : throw new SchemaError(schema.Pointer + "/multipleOf", "it is not above 0"));
        }

        return language ?? NumberLanguages.Number;

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
                language = _grammar.Languages.Both(language ?? NumberLanguages.Plain, of(number), _fuel);
            }
            catch (ConstraintTooLarge e)
            {
                throw new SchemaError(pointer, $"it cannot be held ({e.Message})");
            }
        }
    }

    // Those that fit what else is said: what has no parts as texts that are written out, the others by rules.
    private List<int> Values(Facts facts, IReadOnlyList<JsonElement> values, Part part, JsonTypes beside)
    {
        _fuel.Step((long)StepsOfValue * values.Count);
        Func<JsonElement, bool>? fits = facts.Schemas.Count > 0 ? Fitting(facts) : null;
        var strings = new HashSet<string>(StringComparer.Ordinal);
        var texts = new HashSet<string>(StringComparer.Ordinal);
        var rules = new List<int>();
        foreach (JsonElement value in values)
        {
            if ((facts.Types != JsonTypes.All && (JsonValue.TypeOf(value) & facts.Types) == 0) || fits?.Invoke(value) == false
                || part == (value.ValueKind == JsonValueKind.String ? Part.Others : Part.Texts))
            {
                continue;
            }

            switch (value.ValueKind)
            {
                case JsonValueKind.String:
                    strings.Add(value.GetString()!);
                    break;
                case JsonValueKind.Array or JsonValueKind.Object:
                    _fuel.Step(StepsOfParts);
                    rules.Add(Literal(value, _grammar.End, part));
                    break;
                case not JsonValueKind.Number when part is Part.Others or Part.Deep:
                    rules.Add(Literal(value, _grammar.End, part));
                    break;
                default:
                    texts.Add(Written(value));
                    break;
            }
        }

        if (texts.Count > 0)
            rules.Add(_grammar.Text(Automaton.OfStrings([.. texts], _fuel), _grammar.End));
        if (strings.Count > 0)
            rules.AddRange(Strings([.. strings], _grammar.End, part, beside));
        return rules;
    }

    private static string Written(JsonElement value) => value.ValueKind != JsonValueKind.Number ? value.GetRawText()
        : Decimal.TryRead(value.GetRawText(), out Decimal number) ? number.ToString() : throw new ConstraintTooLarge("a number has too many digits");

    // Numbers and strings by their languages; what has parts by a grammar of its own, in which members come in any order.
    private Func<JsonElement, bool> Fitting(Facts facts)
    {
        Automaton? numbers = null;
        (Automaton Language, int Least, int Most)? strings = null;
        Matcher? parts = null;
        return value =>
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.String:
                    string text = value.GetString()!;
                    (Automaton language, int least, int most) = strings ??= _strings.Of(facts.Schemas);
                    int length = text.EnumerateRunes().Count();
                    _fuel.Step(text.Length);
                    return length >= least && length <= most && language.Matches(text);
                case JsonValueKind.Number:
                    return (numbers ??= Numbers(facts)).Matches(JsonText.Write(value));
                case JsonValueKind.Array or JsonValueKind.Object:
                    if (++_fittings > MostFittings)
                        throw new ConstraintTooLarge("it has too many lists of values beside other keywords");
                    parts ??= Parts(facts);
                    string written = JsonText.Write(value);
                    _fuel.Step((long)StepsOfNode * written.Length);
                    return parts.Matches(written);
                default:
                    return true;
            }
        };
    }

    private Matcher Parts(Facts facts)
    {
        if (_within >= MostWithin)
            throw new ConstraintTooLarge("its lists of values depend on each other too deeply");
        var grammar = new GrammarBuilder(languages: _grammar.Languages);
        var compiler = new SchemaCompiler(this, grammar);
        Facts open = facts.Copy();
        (open.Values, open.Types) = (null, JsonTypes.All);
        int start = compiler.Whole(grammar.Choice([.. compiler.Types(open, Part.Json, JsonTypes.None), grammar.Text(_numbers.Pattern("null"), grammar.End)]));
        _fuel.Step(StepsOfParts + ((long)StepsOfNode * grammar.Count));
        return new Matcher(grammar.Build(start));
    }

    // A value as it is, its members in any order.
    private int Literal(JsonElement value, int next, Part part)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return _grammar.Choice([.. Strings([value.GetString()!], next, part, JsonTypes.None)]);
            case JsonValueKind.Array:
                int end = Text($"{Space}\\]", next);
                JsonElement[] items = [.. value.EnumerateArray()];
                for (int i = items.Length - 1; i >= 0; i--)
                {
                    end = Literal(items[i], end, Within(part));
                    if (i > 0)
                        end = Text($",{Space}", end);
                }

                return Text($"\\[{Space}", end);
            case JsonValueKind.Object:
                JsonProperty[] members = [.. value.EnumerateObject()];
                return Members(
                    [.. members.Select(m => m.Name)], [.. members.Select(m => m.Name)], [], within: null,
                    (kind, after) => kind.Name < 0 ? null : Entry(Literal(members[kind.Name].Value, _grammar.End, Within(part)), after, Within(part)),
                    members.Length, members.Length, next, Within(part));
            default:
                (string nothing, string yes, string no) = Words(part);
                if (value.ValueKind != JsonValueKind.Number)
                    return Text(value.ValueKind switch { JsonValueKind.True => yes, JsonValueKind.False => no, _ => nothing }, next);
                return _grammar.Text(Written(value) is var text && _literals.TryGetValue(text, out Automaton? known) ? known
                    : _literals[text] = Automaton.Literal(text, _fuel), next);
        }
    }

    private IEnumerable<int> Strings(string[] strings, int next, Part part, JsonTypes beside) =>
        String(Automaton.OfStrings(strings, _fuel), 0, int.MaxValue, part, beside, next);

    private int Text(string pattern, int next) => _grammar.Text(_numbers.Pattern(pattern), next, IsSpaced(pattern));

    /// <summary>Whether a pattern has white space that need not be.</summary>
    public static bool IsSpaced(string pattern) => pattern.Contains(Space, StringComparison.Ordinal);

    private int Text(string pattern) => Text(pattern, _grammar.End);
}
