using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>A schema within its document.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Element">It.</param>
/// <param name="Pointer">Where it stands.</param>
/// <param name="Base">Against what its references are resolved.</param>
internal sealed record SchemaItem(int Id, JsonElement Element, string Pointer, Uri Base)
{
    private const int FewProperties = 8;

    private Dictionary<string, JsonElement>? _properties;
    private bool? _saysOfOthers;

    /// <summary>Whether it says what properties must be that it does not name.</summary>
    public bool SaysOfOthers => _saysOfOthers ??= Find("patternProperties") is not null || Find("additionalProperties") is not null;

    // By what it is: what it says is long.
    public bool Equals(SchemaItem? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Id;

    /// <summary>The schema of a property; null where it names none such. A large object's are looked for often.</summary>
    public JsonElement? Property(string name)
    {
        if (Find("properties") is not { ValueKind: JsonValueKind.Object } properties)
            return null;
        if (properties.GetPropertyCount() <= FewProperties)
            return properties.TryGetProperty(name, out JsonElement value) ? value : null;
        _properties ??= properties.EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        return _properties.TryGetValue(name, out JsonElement known) ? known : null;
    }

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
    private readonly Dictionary<string, SchemaItem>.AlternateLookup<ReadOnlySpan<char>> _byPlace;
    private readonly Dictionary<string, SchemaItem> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Of, string Text), SchemaItem> _made = [];

    // Where it looks: places are asked for far more often than there are some.
    private readonly List<char> _place = [];
    private int _items;
    private long _chars;

    /// <exception cref="SchemaError">It is no schema.</exception>
    public SchemaDocument(string text, string place = "#")
    {
        _byPlace = _byPointer.GetAlternateLookup<ReadOnlySpan<char>>();
        if (text.Length > MostChars)
            throw new SchemaError(place, $"the schema has {text.Length} characters; at most {MostChars} are taken");
        JsonElement element;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false });
            element = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new SchemaError(place, $"the schema is no JSON of at most {MostDepth} levels in which no object has a name twice ({e.Message})");
        }

        Root = Add(element, place, Nameless);
        _place.AddRange(place);
        Name(Root.Element, Root.Base, schema: true);
    }

    public SchemaItem Root { get; }

    private ReadOnlySpan<char> Place => CollectionsMarshal.AsSpan(_place);

    /// <summary>A schema in another.</summary>
    /// <param name="of">The other.</param>
    /// <param name="path">Keywords, names and places.</param>
    /// <exception cref="SchemaError">There is none.</exception>
    public SchemaItem Inner(SchemaItem of, params ReadOnlySpan<string> path)
    {
        // Most are known by their place; members of an object are looked for one by one.
        _place.Clear();
        _place.AddRange(of.Pointer);
        foreach (string part in path)
            GoTo(part);
        if (_byPlace.TryGetValue(Place, out SchemaItem? known))
            return known;
        string pointer = Place.ToString();
        JsonElement element = of.Element;
        foreach (string part in path)
            element = Member(element, part) ?? throw new SchemaError(pointer, "nothing stands here");
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

    private SchemaItem Add(JsonElement element, ReadOnlySpan<char> place, Uri within)
    {
        if (_byPlace.TryGetValue(place, out SchemaItem? known))
            return known;
        string pointer = place.ToString();
        Spend(pointer.Length);
        Uri own = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$id", out JsonElement id) && id.ValueKind == JsonValueKind.String
            && Uri.TryCreate(within, id.GetString(), out Uri? named) ? named : within;
        return _byPointer[pointer] = new SchemaItem(_items++, element, pointer, own);
    }

    private void GoTo(ReadOnlySpan<char> name)
    {
        _place.Add('/');
        if (!name.ContainsAny('~', '/'))
        {
            _place.AddRange(name);
            return;
        }

        foreach (char c in name)
            _place.AddRange(c switch { '~' => "~0", '/' => "~1", _ => [c] });
    }

    private void Spend(int chars)
    {
        if ((_chars += chars) > MostPlaceChars)
            throw new SchemaError("#", "the schema has too many parts with names that are too long");
    }

    // The names of all schemas in what stands at the place. What stands in a value is none.
    private void Name(JsonElement element, Uri within, bool schema)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            int at = 0;
            foreach (JsonElement one in element.EnumerateArray())
                Name(one, (at++).ToString(CultureInfo.InvariantCulture), within, schema: true);
            return;
        }

        if (element.ValueKind != JsonValueKind.Object)
            return;
        if (schema)
        {
            SchemaItem item = Add(element, Place, within);
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
            if (member.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
                continue;
            string name = member.Name;
            if (schema && name is "const" or "enum" or "default" or "examples")
                continue;
            bool names = schema && name is "properties" or "patternProperties" or "$defs" or "definitions" or "dependentSchemas" or "dependencies";
            Name(member.Value, name, within, !names);
        }
    }

    private void Name(JsonElement element, string at, Uri within, bool schema)
    {
        int length = _place.Count;
        GoTo(at);
        Name(element, within, schema);
        _place.RemoveRange(length, _place.Count - length);
    }

    private static string Resource(SchemaItem item) => item.Base.GetComponents(UriComponents.AbsoluteUri & ~UriComponents.Fragment, UriFormat.UriEscaped);

    private static JsonElement? Member(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object when element.TryGetProperty(name, out JsonElement value) => value,
        JsonValueKind.Array when int.TryParse(name, out int at) && at >= 0 && at < element.GetArrayLength() => element[at],
        _ => null,
    };
}
