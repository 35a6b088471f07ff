using System.Collections.Immutable;
using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>
/// Takes schemas that hold together apart into alternatives of keywords that stand for themselves: references are followed, conjunctions put
/// together, and what says one thing or another becomes one alternative for each.
/// </summary>
internal sealed class Expansion(SchemaDocument document)
{
    private const int MostAlternatives = 512;

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

    private int _steps;

    /// <exception cref="SchemaError">What they say cannot be held.</exception>
    public List<Facts> Of(IEnumerable<SchemaItem> schemas)
    {
        var facts = new List<Facts>();
        Expand([.. schemas.Reverse().Select(s => new Choice([[s]]))], new Facts(), [], facts);
        return facts;
    }

    private void Expand(ImmutableStack<Choice> todo, Facts facts, ImmutableHashSet<int> seen, List<Facts> into)
    {
        while (!todo.IsEmpty)
        {
            if (++_steps > 200_000 || into.Count > MostAlternatives)
                throw new SchemaError(document.Root.Pointer, "the schema has too many alternatives that depend on each other");
            todo = todo.Pop(out Choice task);
            if (task.Of.Count != 1)
            {
                foreach (IReadOnlyList<SchemaItem> one in task.Of)
                    Expand(one.Reverse().Aggregate(todo, (rest, s) => rest.Push(new Choice([[s]]))), facts.Copy(), seen, into);
                return;
            }

            foreach (SchemaItem item in task.Of[0])
            {
                if (seen.Contains(item.Id))
                    continue;
                seen = seen.Add(item.Id);
                if (item.Element.ValueKind == JsonValueKind.False)
                    return;
                if (item.Element.ValueKind == JsonValueKind.True)
                    continue;
                if (item.Element.ValueKind != JsonValueKind.Object)
                    throw new SchemaError(item.Pointer, "a schema is an object, true or false");
                todo = Take(item, facts, todo);
            }

            if (facts.Types == JsonTypes.None || facts.Values is { Count: 0 })
                return;
        }

        into.Add(facts);
    }

    private ImmutableStack<Choice> Take(SchemaItem item, Facts facts, ImmutableStack<Choice> todo)
    {
        bool typed = false;
        foreach (JsonProperty keyword in item.Element.EnumerateObject())
        {
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
                    Narrow(facts, [.. Array(keyword.Value, pointer).EnumerateArray()]);
                    break;
                case "$ref":
                    todo = todo.Push(new Choice([[document.Resolve(item, Text(keyword.Value, pointer))]]));
                    break;
                case "allOf":
                    todo = Inner(item, "allOf", keyword.Value, pointer).Aggregate(todo, (rest, s) => rest.Push(new Choice([[s]])));
                    break;
                case "anyOf":
                    todo = todo.Push(new Choice([.. Inner(item, "anyOf", keyword.Value, pointer).Select(s => (IReadOnlyList<SchemaItem>)[s])]));
                    break;
                case "oneOf":
                    List<SchemaItem> one = Inner(item, "oneOf", keyword.Value, pointer);
                    Disjoint.Check(this, one, pointer);
                    todo = todo.Push(new Choice([.. one.Select(s => (IReadOnlyList<SchemaItem>)[s])]));
                    break;
                case "not":
                    todo = Negation.Of(document, document.Inner(item, "not")).Aggregate(todo, (rest, choice) => rest.Push(choice));
                    break;
                case "if":
                    todo = Conditional(item, todo);
                    break;
                case "dependentRequired":
                case "dependentSchemas":
                case "dependencies":
                    todo = Dependent(item, keyword, todo);
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

    private ImmutableStack<Choice> Conditional(SchemaItem item, ImmutableStack<Choice> todo)
    {
        SchemaItem[] then = item.Find("then") is null ? [] : [document.Inner(item, "then")], otherwise = item.Find("else") is null ? [] : [document.Inner(item, "else")];
        if (then.Length == 0 && otherwise.Length == 0)
            return todo;
        SchemaItem condition = document.Inner(item, "if");
        IReadOnlyList<Choice> not = Negation.Of(document, condition);

        // The condition and what it asks for; or what it is not, and the other.
        List<IReadOnlyList<SchemaItem>> choices = [[condition, .. then]];
        if (not.Any(t => t.Of.Count == 0))
            return todo.Push(new Choice(choices));
        if (not.Count != 1)
            throw new SchemaError(item.Pointer + "/if", "the opposite of this condition cannot be held");
        choices.AddRange(not[0].Of.Select(one => (IReadOnlyList<SchemaItem>)[.. one, .. otherwise]));
        return todo.Push(new Choice(choices));
    }

    private ImmutableStack<Choice> Dependent(SchemaItem item, JsonProperty keyword, ImmutableStack<Choice> todo)
    {
        if (keyword.Value.ValueKind != JsonValueKind.Object)
            throw new SchemaError($"{item.Pointer}/{keyword.Name}", "it is no object");
        foreach (JsonProperty on in keyword.Value.EnumerateObject())
        {
            string name = JsonSerializer.Serialize(on.Name, SchemaJson.Default.String);
            SchemaItem without = document.Made(item, keyword.Name, "{\"properties\":{" + name + ":false}}");
            SchemaItem with = document.Made(item, keyword.Name, $$"""{"required":[{{name}}]}""");
            SchemaItem then = on.Value.ValueKind == JsonValueKind.Array
                ? document.Made(item, keyword.Name, $$"""{"required":{{on.Value.GetRawText()}}}""")
                : document.Inner(item, keyword.Name, on.Name);
            todo = todo.Push(new Choice([[without], [with, then]]));
        }

        return todo;
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

    private static void Narrow(Facts facts, List<JsonElement> values) =>
        facts.Values = facts.Values is { } before ? [.. before.Where(b => values.Any(v => JsonValue.AreEqual(b, v)))] : values;

    private static JsonElement Array(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.Array ? value : throw new SchemaError(pointer, "it is no array");

    private static string Text(JsonElement value, string pointer) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new SchemaError(pointer, "it is no string");
}

/// <summary>Schemas of which one choice holds: all of that together.</summary>
internal readonly record struct Choice(IReadOnlyList<IReadOnlyList<SchemaItem>> Of);
