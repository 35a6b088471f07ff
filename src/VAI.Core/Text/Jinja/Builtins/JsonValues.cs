using System.Globalization;
using System.Numerics;
using System.Text.Json;
using VAI.OptionRules;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Values out of JSON, as Python's <c>json.loads</c> gives them: keys in their order, integers exact.</summary>
internal static class JsonValues
{
    private const int MostDepth = 64;

    // Who calls may have parsed it with any depth, and a stack that is used up ends the process.
    private const int MostGivenDepth = 1_000;

    /// <summary>A value that the caller gave.</summary>
    /// <param name="json">It.</param>
    /// <param name="size">Grows by what it has.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is too deep, or has a text that is none.</exception>
    public static Value Read(JsonElement json, ref ContextSize size)
    {
        try
        {
            return Read(json, ref size, 0);
        }
        catch (InvalidOperationException e)
        {
            // How half of a pair of surrogates is found out: when it is read.
            throw OptionCheck.Invalid("A text that the template is given is no valid UTF-16: half of a pair is escaped in it. Leave it out.", e);
        }
    }

    private static Value Read(JsonElement json, ref ContextSize size, int depth)
    {
        if (depth > MostGivenDepth)
            throw OptionCheck.Invalid($"A value that the template is given is deeper than {MostGivenDepth} levels. Give a flatter one.");
        size = size with { Values = size.Values + 1 };
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new ValueDict(json.GetPropertyCount(), isCallers: true);
                foreach (JsonProperty property in json.EnumerateObject())
                    dict.Set(Text(property.Name, ref size), Read(property.Value, ref size, depth + 1));
                return dict;
            case JsonValueKind.Array:
                var items = new List<Value>(json.GetArrayLength());
                foreach (JsonElement item in json.EnumerateArray())
                    items.Add(Read(item, ref size, depth + 1));
                return new ValueList(items, isCallers: true);
            case JsonValueKind.String:
                return Text(json.GetString()!, ref size);
            case JsonValueKind.Number:
                return Number(json);
            case JsonValueKind.True or JsonValueKind.False:
                return json.ValueKind == JsonValueKind.True;
            default:
                return Value.None;
        }
    }

    /// <summary>The filter <c>from_json</c>.</summary>
    public static Value Parse(Rendering run, Value text)
    {
        if (!text.IsText)
            throw run.Error($"{What.Is(text)} is no JSON, which is a string");
        run.Budget.Spend(text.String.Length);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text.String, new JsonDocumentOptions { MaxDepth = MostDepth });
            ContextSize size = default;
            return Read(document.RootElement, ref size);
        }
        catch (JsonException)
        {
            throw run.Error("a string is no JSON");
        }
    }

    private static Value Text(string text, ref ContextSize size)
    {
        size = size with { Chars = size.Chars + text.Length };
        return Value.Text(text, callers: true);
    }

    private static Value Number(JsonElement json)
    {
        if (json.TryGetInt64(out long value))
            return value;
        string text = json.GetRawText();
        return text.AsSpan().IndexOfAny(".eE") < 0 && text.Length <= 4_300
            ? BigInteger.Parse(text, CultureInfo.InvariantCulture) : double.Parse(text, CultureInfo.InvariantCulture);
    }
}
