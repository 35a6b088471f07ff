using System.Text.Json;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Schemas;

/// <summary>Arrays and objects.</summary>
internal sealed partial class SchemaCompiler
{
    // Items that are each of a schema of their own.
    private const int MostItems = 1_000;

    // More than any answer has; what may follow each beginning of a name is kept as a set of them.
    private const int MostNames = 4_096;

    private int Array(IReadOnlyList<SchemaItem> schemas, Part part)
    {
        int least = 0, most = int.MaxValue, own = 0;
        var lists = new List<(SchemaItem Schema, string Keyword, int Count)>();
        var rests = new List<(SchemaItem Schema, int From)>();
        foreach (SchemaItem schema in schemas)
        {
            least = Math.Max(least, Counts.Of(schema, "minItems") ?? 0);
            most = Math.Min(most, Counts.Of(schema, "maxItems") ?? int.MaxValue);
            JsonElement? items = schema.Find("items");
            string? list = schema.Find("prefixItems") is not null ? "prefixItems" : items is { ValueKind: JsonValueKind.Array } ? "items" : null;
            int count = list is null ? 0 : schema.Find(list) is { ValueKind: JsonValueKind.Array } array ? array.GetArrayLength()
                : throw new SchemaError($"{schema.Pointer}/{list}", "it is no array");
            if (list is not null)
                lists.Add((schema, list, count));
            string? rest = list == "items" ? schema.Find("additionalItems") is null ? null : "additionalItems" : items is null ? null : "items";
            if (rest is not null)
                rests.Add((_document.Inner(schema, rest), count));
            own = Math.Max(own, count);
        }

        foreach (SchemaItem schema in schemas)
        {
            if (schema.Find("uniqueItems") is { ValueKind: JsonValueKind.True } && most > 1)
                throw new SchemaError(schema.Pointer + "/uniqueItems", "that items differ cannot be held, unless there is one at most ('maxItems')");
            if (schema.Find("contains") is not null && Counts.Of(schema, "minContains") != 0)
                throw new SchemaError(schema.Pointer + "/contains", "it cannot be held; use 'items', or 'prefixItems'");
            if (schema.Find("contains") is not null && schema.Find("maxContains") is not null)
                throw new SchemaError(schema.Pointer + "/maxContains", "it cannot be held");
        }

        if (own > MostItems)
            throw new SchemaError(lists[0].Schema.Pointer, $"more than {MostItems} items have schemas of their own");
        int end = Text($"{Space}\\]"), at = Math.Max(own, 1), comma;

        // From the last that has a schema of its own on, they are counted.
        int more = Text($",{Space}", _grammar.Add(new CallNode(Item(at), _grammar.End)));
        int from = most < at ? end : _grammar.Add(new RepeatNode(more, Math.Max(0, least - at), most == int.MaxValue ? most : most - at, end));
        for (int i = at - 1; i >= 0; i--)
        {
            comma = _grammar.Add(new CallNode(Item(i), from));
            if (i > 0)
                comma = Text($",{Space}", comma);
            from = _grammar.Add(new ChoiceNode([.. i < most ? [comma] : (int[])[], .. i >= least ? [end] : (int[])[]]));
        }

        return Text($"\\[{Space}", from);

        int Item(int place) => Rule(
        [
            .. lists.Where(l => place < l.Count).Select(l => _document.Inner(l.Schema, l.Keyword, $"{place}")), .. rests.Where(r => place >= r.From).Select(r => r.Schema),
        ], part);
    }

    private int Object(IReadOnlyList<SchemaItem> schemas, Part part)
    {
        var names = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        var required = new HashSet<string>(StringComparer.Ordinal);
        var patterns = new List<(SchemaItem Schema, string Pattern)>();
        var languages = new List<Automaton>();
        Automaton? within = null;
        int least = 0, most = int.MaxValue;
        foreach (SchemaItem schema in schemas)
        {
            foreach (string name in Members(schema, "properties").Select(p => p.Name).Where(known.Add))
                names.Add(name);
        }

        foreach (SchemaItem schema in schemas)
        {
            if (schema.Find("required") is { } list)
            {
                if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(n => n.ValueKind != JsonValueKind.String))
                    throw new SchemaError(schema.Pointer + "/required", "it is no array of names");
                foreach (string name in list.EnumerateArray().Select(n => n.GetString()!))
                {
                    required.Add(name);
                    if (known.Add(name))
                        names.Add(name);
                }
            }

            foreach (string pattern in Members(schema, "patternProperties").Select(p => p.Name))
            {
                patterns.Add((schema, pattern));
                languages.Add(_strings.Pattern(pattern, $"{schema.Pointer}/patternProperties/{pattern}"));
            }

            least = Math.Max(least, Counts.Of(schema, "minProperties") ?? 0);
            most = Math.Min(most, Counts.Of(schema, "maxProperties") ?? int.MaxValue);
            if (schema.Find("propertyNames") is not null)
                within = Names(_document.Inner(schema, "propertyNames")) is var allowed && within is null ? allowed : within!.Intersect(allowed, _fuel);
        }

        bool closed = IsClosed(schemas);
        return Members(names, required, languages, within, Value, least, most, _grammar.End, part);

        int? Value(KeyKind kind, int after)
        {
            string? name = kind.Name < 0 ? null : names[kind.Name];
            var of = Applying(schemas, name, (schema, pattern) => kind.Patterns.Any(p => patterns[p].Schema == schema && patterns[p].Pattern == pattern), closed);
            if (of is null || of.Any(s => s.Element.ValueKind == JsonValueKind.False))
                return null;
            if (part != Part.Arguments || _form!.IsDeep)
                return Entry(Rule(of, part == Part.Arguments ? Part.Deep : part), after, part);
            JsonTypes types = name is null ? _types.Others : _types.Of(name);
            return _form.Entry(outer: true, Rule(of, Part.Texts, types & ~JsonTypes.String), Rule(of, Part.Others), after);
        }
    }

    private bool IsClosed(IReadOnlyList<SchemaItem> schemas) =>
        _closed && schemas.Any(s => s.Find("properties") is not null) && !schemas.Any(s => s.Find("additionalProperties") is not null);

    // The schemas that a member must fit; null where there may be none such.
    private List<SchemaItem>? Applying(IReadOnlyList<SchemaItem> schemas, string? name, Func<SchemaItem, string, bool> matches, bool closed)
    {
        var of = new List<SchemaItem>();
        bool known = name is not null;
        foreach (SchemaItem schema in schemas)
        {
            int before = of.Count;
            if (name is not null && schema.Property(name) is not null)
                of.Add(_document.Inner(schema, "properties", name));
            if (schema.SaysOfOthers)
            {
                foreach (JsonProperty pattern in Members(schema, "patternProperties"))
                {
                    if (matches(schema, pattern.Name))
                        of.Add(_document.Inner(schema, "patternProperties", pattern.Name));
                }
            }

            known |= of.Count > before;
            if (of.Count == before && schema.SaysOfOthers && schema.Find("additionalProperties") is not null)
                of.Add(_document.Inner(schema, "additionalProperties"));
        }

        return closed && !known ? null : of;
    }

    // What names a schema allows: those of its strings.
    private Automaton Names(SchemaItem schema)
    {
        Automaton names = Automaton.Nothing;
        foreach (Facts facts in _expansion.Of([schema]).Where(f => f.Types.HasFlag(JsonTypes.String)))
        {
            (Automaton language, int least, int most) = _strings.Of(facts.Schemas);
            if (least > 0 || most < int.MaxValue)
                language = language.Intersect(Automaton.AnyText(least, most == int.MaxValue ? null : most, _fuel), _fuel);
            if (facts.Values is { } values)
                language = language.Intersect(Automaton.OfStrings([.. values.Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)], _fuel), _fuel);
            names = names.IsEmpty ? language : names.Union(language, _fuel);
        }

        return names;
    }

    private int Members(
        IReadOnlyList<string> names, IReadOnlyCollection<string> required, IReadOnlyList<Automaton> patterns, Automaton? within, Func<KeyKind, int, int?> entry,
        int least, int most, int next, Part part)
    {
        _fuel.Step(StepsOfObject);
        if (names.Count > MostNames)
            throw new ConstraintTooLarge($"an object has more than {MostNames:N0} named members");
        ArgumentForm? form = part is Part.Arguments or Part.Deep ? _form : null;
        bool outer = part == Part.Arguments;
        if (form?.HasRawKeys(outer) == true)
            within = RawKeys(within, names, outer);
        var keys = KeyClassifier.Build(names, patterns, within, _fuel);
        var needed = NameSet.Of([.. names.Select(required.Contains)]);

        int end = form?.Close(outer, next) ?? Text($"{Space}\\}}", next), node = _grammar.Reserve(), after = _grammar.Reserve(), key = _grammar.Reserve();
        var members = new ObjectMembers
        {
            Names = names,
            Required = needed,
            Keys = keys,
            Entries = [.. keys.Kinds.Select(k => entry(k, after) ?? _grammar.Reserve())],
            Least = least,
            Most = most,
            InOrder = _inOrder,
            FirstKey = form?.Key(outer, first: true, key) ?? Text("\"", key),
            NextKey = form?.Key(outer, first: false, key) ?? Text($",{Space}\"", key),
        };
        var of = new MembersNode(members, end);
        _grammar.Set(node, of);
        _grammar.Set(after, new MemberEndNode(of));
        _grammar.Set(key, form?.Key(outer, of) ?? new KeyNode(of));
        return form?.Open(outer, node) ?? Text($"\\{{{Space}", node);
    }

    // What stands behind a key whose value is of one rule.
    private int Entry(int rule, int after, Part part) => part is Part.Arguments or Part.Deep
        ? _form!.Entry(part == Part.Arguments, rule, rule, after) : Text($":{Space}", _grammar.Add(new CallNode(rule, after)));

    private static IEnumerable<JsonProperty> Members(SchemaItem schema, string keyword) => schema.Find(keyword) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Object } members => members.EnumerateObject(),
        _ => throw new SchemaError($"{schema.Pointer}/{keyword}", "it is no object"),
    };
}
