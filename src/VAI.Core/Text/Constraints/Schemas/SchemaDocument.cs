using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>A schema within its document.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Element">It.</param>
/// <param name="Pointer">Where it stands.</param>
/// <param name="Base">Against what its references are resolved.</param>
internal sealed record SchemaItem(int Id, JsonElement Element, string Pointer, Uri Base)
{
    // By what it is: what it says is long.
    public bool Equals(SchemaItem? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Id;

    public JsonElement? Find(string keyword) => Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(keyword, out JsonElement value) ? value : null;
}

/// <summary>A JSON Schema (2020-12 or 07) as a document: schemas by where they stand, and what references name.</summary>
internal sealed class SchemaDocument
{
    private const int MostChars = 1 << 20;
    private const int MostDepth = 64;

    // Of places and of schemas that are made: what is nested and named at length would take more memory than anybody has.
    private const long MostPlaceChars = 8 << 20;

    private static readonly Uri Nameless = new("vai:/schema");
    private static readonly string[] Anchors = ["$anchor", "$dynamicAnchor"];

    private readonly Dictionary<string, SchemaItem> _byPointer = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SchemaItem> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Of, string Text), SchemaItem> _made = [];
    private int _items;
    private long _chars;

    /// <exception cref="SchemaError">It is no schema.</exception>
    public SchemaDocument(string text, string place = "#")
    {
        if (text.Length > MostChars)
            throw new SchemaError(place, $"the schema has {text.Length} characters; at most {MostChars} are taken");
        JsonElement element;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MostDepth });
            element = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new SchemaError(place, $"the schema is no JSON of at most {MostDepth} levels ({e.Message})");
        }

        Root = Add(element, place, Nameless);
        Name(Root.Element, place, Root.Base, schema: true);
    }

    public SchemaItem Root { get; }

    /// <summary>A schema in another.</summary>
    /// <param name="of">The other.</param>
    /// <param name="path">Keywords, names and places.</param>
    /// <exception cref="SchemaError">There is none.</exception>
    public SchemaItem Inner(SchemaItem of, params ReadOnlySpan<string> path)
    {
        JsonElement element = of.Element;
        string pointer = of.Pointer;
        foreach (string part in path)
            pointer += "/" + part.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

        // Most are known by their place; members of an object are looked for one by one.
        if (_byPointer.TryGetValue(pointer, out SchemaItem? known))
            return known;
        foreach (string part in path)
        {
            element = Member(element, part) ?? throw new SchemaError(pointer, "nothing stands here");
        }

        return Add(element, pointer, of.Base);
    }

    /// <summary>A schema of ours in place of a keyword that others can say.</summary>
    public SchemaItem Made(SchemaItem of, string keyword, string text)
    {
        if (_made.TryGetValue((of.Id, text), out SchemaItem? known))
            return known;
        using JsonDocument document = JsonDocument.Parse(text);
        Spend(text.Length);
        return _made[(of.Id, text)] = Add(document.RootElement.Clone(), $"{of.Pointer}/{keyword}={_made.Count}", of.Base);
    }

    /// <summary>What a reference names.</summary>
    /// <exception cref="SchemaError">Nothing of this document.</exception>
    public SchemaItem Resolve(SchemaItem of, string reference)
    {
        string pointer = of.Pointer + "/$ref";
        if (!Uri.TryCreate(of.Base, reference, out Uri? target))
            throw new SchemaError(pointer, $"'{reference}' is no reference");
        string resource = target.GetComponents(UriComponents.AbsoluteUri & ~UriComponents.Fragment, UriFormat.UriEscaped);
        string fragment = Uri.UnescapeDataString(target.Fragment.TrimStart('#'));
        if (_byName.TryGetValue(resource + "#" + fragment, out SchemaItem? named))
            return named;
        if (fragment.Length > 0 && fragment[0] != '/')
            throw new SchemaError(pointer, $"nothing in the schema is named '{reference}'");
        if (!_byName.TryGetValue(resource + "#", out SchemaItem? at))
            throw new SchemaError(pointer, $"'{reference}' is not in this schema; other documents are not read");

        // Most are known by their place; members of a large object would be looked for one by one.
        if (_byPointer.TryGetValue(at.Pointer + fragment, out SchemaItem? known))
            return known;
        foreach (string part in fragment.Split('/').Skip(1))
        {
            string name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (Member(at.Element, name) is null)
                throw new SchemaError(pointer, $"nothing stands at '{reference}'");
            at = Inner(at, name);
        }

        return at;
    }

    private SchemaItem Add(JsonElement element, string pointer, Uri within)
    {
        if (_byPointer.TryGetValue(pointer, out SchemaItem? known))
            return known;
        Spend(pointer.Length);
        Uri own = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$id", out JsonElement id) && id.ValueKind == JsonValueKind.String
            && Uri.TryCreate(within, id.GetString(), out Uri? named) ? named : within;
        return _byPointer[pointer] = new SchemaItem(_items++, element, pointer, own);
    }

    private void Spend(int chars)
    {
        if ((_chars += chars) > MostPlaceChars)
            throw new SchemaError("#", "the schema has too many parts with names that are too long");
    }

    // The names of all schemas in it. What stands in a value is none.
    private void Name(JsonElement element, string pointer, Uri within, bool schema)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            int at = 0;
            foreach (JsonElement one in element.EnumerateArray())
                Name(one, $"{pointer}/{at++}", within, schema: true);
            return;
        }

        if (element.ValueKind != JsonValueKind.Object)
            return;
        if (schema)
        {
            SchemaItem item = Add(element, pointer, within);
            if (!ReferenceEquals(item.Base, within) || item == Root)
                _byName.TryAdd(Resource(item) + "#", item);
            foreach (string keyword in Anchors)
            {
                if (item.Find(keyword) is { ValueKind: JsonValueKind.String } anchor)
                    _byName.TryAdd(Resource(item) + "#" + anchor.GetString(), item);
            }

            within = item.Base;
        }

        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (schema && member.Name is "const" or "enum" or "default" or "examples")
                continue;
            bool names = schema && member.Name is "properties" or "patternProperties" or "$defs" or "definitions" or "dependentSchemas" or "dependencies";
            Name(member.Value, $"{pointer}/{member.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}", within, !names);
        }
    }

    private static string Resource(SchemaItem item) => item.Base.GetComponents(UriComponents.AbsoluteUri & ~UriComponents.Fragment, UriFormat.UriEscaped);

    private static JsonElement? Member(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object when element.TryGetProperty(name, out JsonElement value) => value,
        JsonValueKind.Array when int.TryParse(name, out int at) && at >= 0 && at < element.GetArrayLength() => element[at],
        _ => null,
    };
}
