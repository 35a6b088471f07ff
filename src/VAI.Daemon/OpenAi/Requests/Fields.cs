using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>
/// The members of a JSON object, each checked as it is taken; null counts as absent. What nobody asked for is ignored and named at the end, or
/// refused if that is wanted.
/// </summary>
internal sealed class Fields
{
    // Each field is looked for among all of them.
    private const int MaxFields = 128;

    // A longer name is nobody's field, and would not fit where it is named.
    private const int MaxName = 256;

    private readonly JsonElement _object;
    private readonly IgnoredFields _ignored;
    private readonly string _path;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <param name="value">The object.</param>
    /// <param name="ignored">Takes the names of what has no effect.</param>
    /// <param name="path">Where it is in the request, for messages; empty for the request itself.</param>
    public Fields(JsonElement value, IgnoredFields ignored, string path = "")
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw WrongType(path.Length == 0 ? "The request" : path, "an object", value);
        if (value.GetPropertyCount() > MaxFields)
        {
            throw new ApiError(
                StatusCodes.Status400BadRequest, "unknown_parameter",
                $"{(path.Length == 0 ? "The request" : $"'{path}'")} has more than {MaxFields} fields: some must be unknown.", path.Length == 0 ? null : path);
        }

        _object = value;
        _ignored = ignored;
        _path = path;
    }

    /// <summary>All names that were asked for, whether they were there or not.</summary>
    public IReadOnlySet<string> Known => _known;

    public string NameOf(string field) => _path.Length == 0 ? field : $"{_path}.{field}";

    /// <summary>The members of an object in this one.</summary>
    public Fields Inner(JsonElement value, string path) => new(value, _ignored, path);

    public JsonElement? Take(string field)
    {
        _known.Add(field);
        return _object.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public string? Text(string field) => Take(field) is { } value ? TextOf(value, NameOf(field)) : null;

    public bool? Flag(string field) => Take(field) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw WrongType(NameOf(field), "true or false", value),
    };

    public int? Whole(string field, int min, int max) => (int?)Long(field, min, max);

    public long? Long(string field, long min, long max)
    {
        if (Take(field) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out long number) || number < min || number > max)
            throw OutOfRange(NameOf(field), value, $"a whole number from {min} to {max}");
        return number;
    }

    public float? Number(string field, float min, float max) =>
        Take(field) is { } value ? NumberOf(value, NameOf(field), min, max) : null;

    /// <summary>The first of several names of one thing that is there; the others have no effect then.</summary>
    public string FirstOf(params ReadOnlySpan<string> names)
    {
        string? first = null;
        foreach (string name in names)
        {
            if (Take(name) is null)
                continue;
            if (first is null)
                first = name;
            else
                _ignored.Add(NameOf(name));
        }

        return first ?? names[0];
    }

    /// <summary>Fields that are known and have no effect: named, or refused where nothing is to be ignored.</summary>
    public void Ignore(params ReadOnlySpan<string> fields)
    {
        if (_ignored.Strict)
            Refuse(fields);
        else
            Drop(fields);
    }

    /// <summary>Fields that are left out of what the model reads, whoever sends them: named.</summary>
    public void Drop(params ReadOnlySpan<string> fields)
    {
        foreach (string field in fields)
        {
            if (Take(field) is not null)
                _ignored.Add(NameOf(field));
        }
    }

    /// <summary>Fields of OpenAI's API that ask for what is not offered.</summary>
    public void Refuse(params ReadOnlySpan<string> fields)
    {
        foreach (string field in fields)
        {
            if (Take(field) is not null)
                throw Unsupported(NameOf(field), $"'{NameOf(field)}' is not supported here. Leave it out.");
        }
    }

    /// <summary>A field of which only one value asks for nothing.</summary>
    public void RefuseUnless(string field, Func<JsonElement, bool> harmless, string only)
    {
        if (Take(field) is { } value && !harmless(value))
            throw Unsupported(NameOf(field), $"'{NameOf(field)}' is not supported here, but for {only}. Leave it out.");
    }

    /// <summary>Names the fields that were not taken.</summary>
    /// <exception cref="ApiError">There is one, and none is to be ignored.</exception>
    public void End()
    {
        foreach (JsonProperty member in _object.EnumerateObject())
        {
            if (_known.Contains(member.Name))
                continue;
            string name = NameOf(Shown(member.Name));
            if (_ignored.Strict || member.Name.Length > MaxName)
                throw new ApiError(StatusCodes.Status400BadRequest, "unknown_parameter", $"Unknown parameter: '{name}'.", name);
            _ignored.Add(name);
        }
    }

    public static string TextOf(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw WrongType(name, "a string", value);

    public static float NumberOf(JsonElement value, string name, float min, float max)
    {
        // A number that no float holds is read as infinite, and is out of every range.
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetSingle(out float number) || !(number >= min && number <= max))
            throw OutOfRange(name, value, $"a number from {min} to {max}");
        return number;
    }

    public static ApiError WrongType(string name, string wanted, JsonElement value) => new(
        StatusCodes.Status400BadRequest, "invalid_type", $"{Quoted(name)} is {Kind(value)}; it must be {wanted}.", name);

    public static ApiError Unsupported(string name, string message) =>
        new(StatusCodes.Status400BadRequest, "unsupported_parameter", message, name);

    public static ApiError Missing(string name) =>
        new(StatusCodes.Status400BadRequest, "missing_required_parameter", $"Missing required parameter: '{name}'.", name);

    private static ApiError OutOfRange(string name, JsonElement value, string wanted) => ApiError.Invalid(
        name, $"'{name}' is {(value.ValueKind == JsonValueKind.Number ? Shown(value.GetRawText()) : Kind(value))}; it must be {wanted}.");

    private static string Quoted(string name) => name.Contains(' ') ? name : $"'{name}'";

    // A message stays short, whatever was sent.
    private static string Shown(string text) => text.Length <= 64 ? text : text[..64] + "...";

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
