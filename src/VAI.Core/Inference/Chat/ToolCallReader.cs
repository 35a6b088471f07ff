using System.Text;
using System.Text.Json;
using VAI.Text.Tools;

namespace VAI;

/// <summary>
/// Reads the calls of tools that an answer has (<see cref="InferenceUpdateKind.ToolCalls"/>), piece by piece. Linear in the text. Not thread-safe.
/// </summary>
public sealed class ToolCallReader
{
    private const string IdLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private readonly ToolFormat _format;
    private readonly StringBuilder _outside = new();
    private readonly StringBuilder _json = new();
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private int _depth;
    private bool _quoted;
    private bool _escaped;

    /// <param name="constraint">What the answer was generated with (<see cref="Constraint.Tools"/>).</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>: it is no constraint of tools.</exception>
    public ToolCallReader(Constraint constraint)
    {
        ArgumentNullException.ThrowIfNull(constraint);
        _format = constraint.Kind == ConstraintKind.Tools
            ? ToolRequest.Read(constraint.Text).Format : throw new VaiUsageException(VaiError.InvalidConstraint, "The constraint has no tools. Make it with Constraint.Tools.");
    }

    /// <summary>Takes a piece.</summary>
    /// <param name="text">The text of an update.</param>
    /// <returns>The calls that are complete now, each once.</returns>
    public IReadOnlyList<ToolCallPart> Append(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<ToolCallPart>? calls = null;
        foreach (char c in text)
        {
            if (_depth == 0 && c != '{')
            {
                _outside.Append(c);
                continue;
            }

            _json.Append(c);
            if (_escaped)
                _escaped = false;
            else if (_quoted)
                (_escaped, _quoted) = (c == '\\', c != '"');
            else if (c == '"')
                _quoted = true;
            else if (c is '{' or '[')
                _depth++;
            else if (c is '}' or ']' && --_depth == 0 && Read() is { } call)
                (calls ??= []).Add(call);
        }

        return calls ?? (IReadOnlyList<ToolCallPart>)[];
    }

    private ToolCallPart? Read()
    {
        string json = _json.ToString(), outside = _outside.ToString();
        _json.Clear();
        _outside.Clear();
        if (_format.NameKey is null)
        {
            int open = outside.LastIndexOf(_format.CallOpen, StringComparison.Ordinal);
            if (open < 0 || !outside.EndsWith(_format.NameClose, StringComparison.Ordinal))
                return null;
            string name = outside[(open + _format.CallOpen.Length)..^_format.NameClose.Length], id = NewId();
            if (_format.IdOpen is { } mark && name.LastIndexOf(mark, StringComparison.Ordinal) is >= 0 and int at)
                (name, id) = (name[..at], mark == ":" ? $"functions.{name}" : name[(at + mark.Length)..]);
            return new ToolCallPart(name, json, Own(id));
        }

        using JsonDocument? document = Parsed(json);
        if (document is null || !document.RootElement.TryGetProperty(_format.NameKey, out JsonElement called) || called.ValueKind != JsonValueKind.String
            || !document.RootElement.TryGetProperty(_format.ArgumentsKey, out JsonElement arguments))
        {
            return null;
        }

        JsonElement call = document.RootElement;
        string own = _format.IdKey is { } key && call.TryGetProperty(key, out JsonElement given) && given.ValueKind == JsonValueKind.String ? given.GetString()! : NewId();
        return new ToolCallPart(called.GetString()!, arguments.GetRawText(), Own(own));
    }

    // A model may count as it likes; results are found by their ids.
    private string Own(string id) => _ids.Add(id) ? id : Own(NewId());

    private static JsonDocument? Parsed(string json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1_000 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // As long as every template seen takes one.
    private static string NewId() => new(Random.Shared.GetItems<char>(IdLetters, 9));
}
