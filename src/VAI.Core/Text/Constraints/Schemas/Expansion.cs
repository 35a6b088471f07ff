using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Schemas;

/// <summary>
/// Takes schemas that hold together apart into alternatives of keywords that stand for themselves: references are followed, conjunctions put
/// together, and what says one thing or another becomes one alternative for each.
/// </summary>
internal sealed class Expansion(SchemaDocument document)
{
    private const int MostAlternatives = 512;

    // Schemas that are taken apart, values that are read, and values and schemas that are compared: in units of a comparison of two short ones.
    private const long MostCompared = 300_000, ComparedOfStep = 10;

    private static readonly HashSet<string> Typed = new(StringComparer.Ordinal)
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format",
        "prefixItems", "items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains",
        "properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties", "propertyNames",
    };

    private static readonly HashSet<string> Unheld = new(StringComparer.Ordinal)
    {
        "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef",
    };

    private readonly HashSet<string> _disjoint = new(StringComparer.Ordinal);
    private readonly HashSet<string> _checking = new(StringComparer.Ordinal);
    private readonly Dictionary<int, List<JsonElement>> _lists = [];
    private long _compared;

    /// <exception cref="SchemaError">What they say cannot be held.</exception>
    public List<Facts> Of(IEnumerable<SchemaItem> schemas)
    {
        var facts = new List<Facts>();
        Expand([.. schemas.Reverse().Select(s => Choice.Of(s))], new Facts(), [], facts);
        return facts;
    }

    private void Expand(ImmutableStack<Choice> todo, Facts facts, ImmutableHashSet<int> seen, List<Facts> into)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ConstraintTooLarge("its schemas refer to each other too deeply");
        while (!todo.IsEmpty)
        {
            if (into.Count > MostAlternatives)
                throw new SchemaError(document.Root.Pointer, "the schema has too many alternatives that depend on each other");
            todo = todo.Pop(out Choice task);
            Compare(ComparedOfStep + task.Above.Count + task.AboveChoice.Count);
            if (task.Ways.Count != 1)
            {
                ImmutableHashSet<int> above = task.Above.Union(task.AboveChoice);
                foreach (IReadOnlyList<SchemaItem> one in task.Ways)
                    Expand(one.Reverse().Aggregate(todo, (rest, s) => rest.Push(new Choice([[s]], [], above))), facts.Copy(), seen, into);
                return;
            }

            foreach (SchemaItem item in task.Ways[0])
            {
                // What is a choice of itself is what its other choices are.
                if (task.AboveChoice.Contains(item.Id))
                    return;
                if (seen.Contains(item.Id))
                    continue;
                seen = seen.Add(item.Id);
                if (item.Element.ValueKind == JsonValueKind.False)
                    return;
                if (item.Element.ValueKind == JsonValueKind.True)
                    continue;
                if (item.Element.ValueKind != JsonValueKind.Object)
                    throw new SchemaError(item.Pointer, "a schema is an object, true or false");
                todo = Take(item, facts, task, todo);
            }

            if (facts.Types == JsonTypes.None || facts.Values is { Count: 0 })
                return;
        }

        into.Add(facts);
    }

    private ImmutableStack<Choice> Take(SchemaItem item, Facts facts, Choice task, ImmutableStack<Choice> todo)
    {
        bool typed = false;
        ImmutableHashSet<int> above = task.Above.Add(item.Id);
        Choice Under(IReadOnlyList<IReadOnlyList<SchemaItem>> ways) => new(ways, above, task.AboveChoice);
        foreach (JsonProperty keyword in item.Element.EnumerateObject())
        {
            Compare(1);
            string pointer = $"{item.Pointer}/{keyword.Name}";
            switch (keyword.Name)
            {
                case "type":
                    facts.Types &= TypesOf(item, keyword.Value, pointer);
                    break;
                case "const":
                    Narrow(facts, [keyword.Value]);
                    break;
                case "enum":
                    if (!_lists.TryGetValue(item.Id, out List<JsonElement>? list))
                        _lists[item.Id] = list = [.. Array(keyword.Value, pointer).EnumerateArray()];
                    Narrow(facts, list);
                    break;
                case "$ref":
                    todo = todo.Push(Under([[document.Resolve(item, Text(keyword.Value, pointer))]]));
                    break;
                case "allOf":
                    todo = Enumerable.Reverse(Inner(item, "allOf", keyword.Value, pointer)).Aggregate(todo, (rest, s) => rest.Push(Under([[s]])));
                    break;
                case "anyOf":
                    todo = todo.Push(Under(Ways(Inner(item, "anyOf", keyword.Value, pointer))));
                    break;
                case "oneOf":
                    List<SchemaItem> one = Inner(item, "oneOf", keyword.Value, pointer);
                    CheckDisjoint(one, pointer);
                    todo = todo.Push(Under(Ways(one)));
                    break;
                case "not":
                    todo = Negation.Of(document, document.Inner(item, "not")).Aggregate(todo, (rest, choice) => rest.Push(Under(choice.Ways)));
                    break;
                case "if":
                    todo = Conditional(item) is { } ways ? todo.Push(Under(ways)) : todo;
                    break;
                case "dependentRequired":
                case "dependentSchemas":
                case "dependencies":
                    todo = Dependent(item, keyword).Aggregate(todo, (rest, ways) => rest.Push(Under(ways)));
                    break;
                case var name when Unheld.Contains(name):
                    throw new SchemaError(pointer, $"'{name}' cannot be held");
                case var name:
                    typed |= Typed.Contains(name);
                    break;
            }
        }

        if (typed)
            facts.Schemas.Add(item);
        return todo;
    }

    private List<SchemaItem> Inner(SchemaItem item, string keyword, JsonElement value, string pointer)
    {
        int count = Array(value, pointer).GetArrayLength();
        if (count == 0)
            throw new SchemaError(pointer, "it is empty");
        return [.. Enumerable.Range(0, count).Select(i => document.Inner(item, keyword, i.ToString(System.Globalization.CultureInfo.InvariantCulture)))];
    }

    private static List<IReadOnlyList<SchemaItem>> Ways(List<SchemaItem> schemas) => schemas.Count <= MostAlternatives
        ? [.. schemas.Select(s => (IReadOnlyList<SchemaItem>)[s])]
        : throw new SchemaError(schemas[0].Pointer, $"there are {schemas.Count} alternatives, and at most {MostAlternatives} can be held; use 'enum' for values");

    private void CheckDisjoint(List<SchemaItem> schemas, string pointer)
    {
        if (_disjoint.Contains(pointer))
            return;
        if (!_checking.Add(pointer))
            throw new SchemaError(pointer, "whether its schemas exclude each other depends on itself; use 'anyOf'");
        Ways(schemas);
        Disjoint.Check(this, schemas, pointer);
        _checking.Remove(pointer);
        _disjoint.Add(pointer);
    }

    private List<IReadOnlyList<SchemaItem>>? Conditional(SchemaItem item)
    {
        SchemaItem[] then = item.Find("then") is null ? [] : [document.Inner(item, "then")], otherwise = item.Find("else") is null ? [] : [document.Inner(item, "else")];
        if (then.Length == 0 && otherwise.Length == 0)
            return null;
        SchemaItem condition = document.Inner(item, "if");
        IReadOnlyList<Choice> not = Negation.Of(document, condition);

        // The condition and what it asks for; or what it is not, and the other.
        List<IReadOnlyList<SchemaItem>> choices = [[condition, .. then]];
        if (not.Any(t => t.Ways.Count == 0))
            return choices;
        if (not.Count != 1)
            throw new SchemaError(item.Pointer + "/if", "the opposite of this condition cannot be held");
        choices.AddRange(not[0].Ways.Select(one => (IReadOnlyList<SchemaItem>)[.. one, .. otherwise]));
        return choices;
    }

    private List<List<IReadOnlyList<SchemaItem>>> Dependent(SchemaItem item, JsonProperty keyword)
    {
        if (keyword.Value.ValueKind != JsonValueKind.Object)
            throw new SchemaError($"{item.Pointer}/{keyword.Name}", "it is no object");
        var all = new List<List<IReadOnlyList<SchemaItem>>>();
        foreach (JsonProperty on in keyword.Value.EnumerateObject())
        {
            string name = JsonSerializer.Serialize(on.Name, SchemaJson.Default.String);
            SchemaItem without = document.Made(item, keyword.Name, "{\"properties\":{" + name + ":false}}");
            SchemaItem with = document.Made(item, keyword.Name, $$"""{"required":[{{name}}]}""");
            SchemaItem then = on.Value.ValueKind == JsonValueKind.Array
                ? document.Made(item, keyword.Name, $$"""{"required":{{on.Value.GetRawText()}}}""")
                : document.Inner(item, keyword.Name, on.Name);
            all.Add([[without], [with, then]]);
        }

        return all;
    }

    private static JsonTypes TypesOf(SchemaItem item, JsonElement value, string pointer)
    {
        JsonTypes types = value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Aggregate(JsonTypes.None, (all, one) => all | TypeOf(one, pointer)) : TypeOf(value, pointer);

        // OpenAPI's way to say the same as a list with null.
        return item.Find("nullable") is { ValueKind: JsonValueKind.True } ? types | JsonTypes.Null : types;
    }

    public static JsonTypes TypeOf(JsonElement name, string pointer) => Text(name, pointer) switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        var other => throw new SchemaError(pointer, $"'{other}' is no type"),
    };

    private void Narrow(Facts facts, List<JsonElement> values) =>
        facts.Values = facts.Values is { } before ? Common(before, values) : values;

    /// <summary>Whether any of some values is among others.</summary>
    public bool HaveCommon(IReadOnlyList<JsonElement> left, IReadOnlyList<JsonElement> right) =>
        left.Count == 1 && right.Count == 1 ? AreEqual(left[0], right[0]) : Common(left, right).Count > 0;

    /// <summary>Those of some values that are among others.</summary>
    public List<JsonElement> Common(IReadOnlyList<JsonElement> left, IReadOnlyList<JsonElement> right)
    {
        if (left.Count == 1 && right.Count == 1)
            return AreEqual(left[0], right[0]) ? [left[0]] : [];
        Compare((left.Count + right.Count) / 8);
        var keys = new HashSet<(JsonValueKind, object)>();
        var others = new List<JsonElement>();
        foreach (JsonElement value in right)
        {
            if (Key(value) is { } key)
                keys.Add(key);
            else
                others.Add(value);
        }

        return [.. left.Where(v => Key(v) is { } key ? keys.Contains(key) : others.Any(o => AreEqual(v, o)))];
    }

    // What is the same of equal values, and of no others; null where they have to be compared.
    private static (JsonValueKind, object)? Key(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => (JsonValueKind.String, value.GetString()!),
        JsonValueKind.Number => (JsonValueKind.Number, Decimal.TryRead(value.GetRawText(), out Decimal number) ? number : value.GetRawText()),
        JsonValueKind.Array or JsonValueKind.Object => null,
        var kind => (kind, ""),
    };

    private bool AreEqual(JsonElement left, JsonElement right)
    {
        Compare(1);
        if (left.ValueKind is JsonValueKind.Array or JsonValueKind.Object && left.ValueKind == right.ValueKind)
            Compare(Math.Min(JsonMarshal.GetRawUtf8Value(left).Length, JsonMarshal.GetRawUtf8Value(right).Length) / 2);
        return JsonValue.AreEqual(left, right);
    }

    /// <summary>So much is about to be compared.</summary>
    /// <exception cref="ConstraintTooLarge">That is too much.</exception>
    public void Compare(long count)
    {
        if ((_compared += count) > MostCompared)
            throw new ConstraintTooLarge("it has too many alternatives and values that depend on each other, or have to be compared");
    }

    private static JsonElement Array(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.Array ? value : throw new SchemaError(pointer, "it is no array");

    private static string Text(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new SchemaError(pointer, "it is no string");
}

/// <summary>Schemas of which one way holds: all of that together.</summary>
/// <param name="Ways">The ways.</param>
/// <param name="Above">Schemas that it is a part of, with no choice between.</param>
/// <param name="AboveChoice">Schemas that it is one of the choices of.</param>
internal readonly record struct Choice(IReadOnlyList<IReadOnlyList<SchemaItem>> Ways, ImmutableHashSet<int> Above, ImmutableHashSet<int> AboveChoice)
{
    public Choice(IReadOnlyList<IReadOnlyList<SchemaItem>> ways)
        : this(ways, [], [])
    {
    }

    public static Choice Of(SchemaItem schema) => new([[schema]]);
}
