using System.Text.Json;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Schemas;

/// <summary>The strings that schemas allow: by lengths, patterns and formats.</summary>
internal sealed class StringLanguages(KnownLanguages known, Fuel fuel)
{
    // By the RFCs that JSON Schema names, of which they leave out rarities; none takes what is no such string.
    private const string Date = "((19|20)[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])))";
    private const string Time = "(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))";
    private const string Byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private const string Label = "[a-zA-Z0-9]([-a-zA-Z0-9]{0,30}[a-zA-Z0-9])?";
    private const string Word = "[a-zA-Z0-9]([a-zA-Z0-9_+-]*[a-zA-Z0-9])?";
    private const string Group = "[0-9a-fA-F]{1,4}";
    private const string Authority = $"//{Label}(\\.{Label}){{0,6}}(:[1-9][0-9]{{0,3}})?";
    private const string UriChar = "([-a-zA-Z0-9._~!$&'()*+,;=:@/]|%[0-9a-fA-F]{2})";

    // However small it is.
    private const int StepsOfPattern = 3_000;

    private static readonly Dictionary<string, string> Formats = new(StringComparer.Ordinal)
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = $"{Date}T{Time}",
        ["uuid"] = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",

        // Each part between letters and digits, and a last one as those that there are: others are refused by many.
        ["email"] = $"{Word}(\\.{Word})*@({Label}\\.)+[a-zA-Z]{{2,16}}",
        ["hostname"] = $"{Label}(\\.{Label}){{0,3}}",
        ["ipv4"] = $"{Byte}(\\.{Byte}){{3}}",
        ["ipv6"] = $"({Group}:){{7}}{Group}|({Group}:){{1,6}}:{Group}|({Group}:){{1,5}}(:{Group}){{1,2}}|({Group}:){{1,7}}:|::({Group}:){{0,5}}{Group}|::",

        // No scheme of one letter: there is none, and many take it for a drive.
        ["uri"] = $"[a-zA-Z][-a-zA-Z0-9+.]{{1,19}}:({Authority}(/{UriChar}*)?|[a-zA-Z0-9]{UriChar}*)(\\?({UriChar}|\\?)*)?(#({UriChar}|\\?)*)?",
        ["uri-reference"] = $"([a-zA-Z][-a-zA-Z0-9+.]{{1,19}}:)?({Authority}(/{UriChar}*)?|/?([-a-zA-Z0-9._~!$&'()*+,;=@]|%[0-9a-fA-F]{{2}})+(/{UriChar}*)?|/)?(\\?({UriChar}|\\?)*)?(#({UriChar}|\\?)*)?",
        ["duration"] = "P([0-9]{1,4}W|([0-9]{1,4}Y[0-9]{1,4}M|[0-9]{1,4}M)?[0-9]{1,4}D|[0-9]{1,4}Y([0-9]{1,4}M)?|[0-9]{1,4}M"
            + "|([0-9]{1,4}D)?T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S))",
        ["json-pointer"] = "(/([^/~]|~[01])*)*",
    };

    /// <summary>What strings do.</summary>
    /// <returns>A language, and lengths that are to be counted beside it.</returns>
    /// <exception cref="SchemaError">They cannot be held.</exception>
    public (Automaton Language, int Least, int Most) Of(IReadOnlyList<SchemaItem> schemas)
    {
        Automaton? language = null;
        long least = 0, most = int.MaxValue;
        string lengths = "";
        foreach (SchemaItem schema in schemas)
        {
            if (schema.Find("pattern") is { } pattern)
                Add(Pattern(schema, pattern), schema, "pattern");
            if (schema.Find("format") is { ValueKind: JsonValueKind.String } format && Formats.TryGetValue(format.GetString()!, out string? written))
                Add(KnownLanguages.Ours(written), schema, "format");
            if (Counts.Of(schema, "minLength") is { } min)
                (least, lengths) = (Math.Max(least, min), schema.Pointer + "/minLength");
            if (Counts.Of(schema, "maxLength") is { } max)
                (most, lengths) = (Math.Min(most, max), schema.Pointer + "/maxLength");
        }

        if (least > most)
            return (Automaton.Nothing, 0, int.MaxValue);
        if (language is null)
            return (Automaton.AnyText(), (int)least, (int)most);
        if (least == 0)
            return (language, 0, (int)most);
        try
        {
            // The most are counted; what is shorter is taken out, as what is begun has to come to be long enough.
            return (language.Intersect(Automaton.AnyText((int)least, null, fuel), fuel), 0, (int)most);
        }
        catch (ConstraintTooLarge e)
        {
            throw new SchemaError(lengths, $"a length beside a pattern or a format cannot be held here ({e.Message})");
        }

        void Add(Automaton more, SchemaItem schema, string keyword)
        {
            try
            {
                language = language is null ? more : known.Both(language, more, fuel);
            }
            catch (ConstraintTooLarge e)
            {
                throw new SchemaError($"{schema.Pointer}/{keyword}", $"it cannot be held together with others ({e.Message})");
            }
        }
    }

    private Automaton Pattern(SchemaItem schema, JsonElement pattern) => pattern.ValueKind == JsonValueKind.String
        ? Pattern(pattern.GetString()!, schema.Pointer + "/pattern") : throw new SchemaError(schema.Pointer + "/pattern", "it is no string");

    /// <summary>The texts that a pattern is found in.</summary>
    public Automaton Pattern(string pattern, string pointer)
    {
        try
        {
            if (!known.HasPattern(pattern, search: true))
                fuel.Step(StepsOfPattern);
            return known.Pattern(pattern, search: true, fuel);
        }
        catch (Exception e) when (e is PatternError or ConstraintTooLarge)
        {
            throw new SchemaError(pointer, $"the pattern '{(pattern.Length > 60 ? pattern[..60] + "..." : pattern)}' cannot be held: {e.Message}");
        }
    }
}

/// <summary>Numbers of things, as keywords say them.</summary>
internal static class Counts
{
    /// <exception cref="SchemaError">It is no whole number from 0.</exception>
    public static int? Of(SchemaItem schema, string keyword)
    {
        if (schema.Find(keyword) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Number || !Decimal.TryRead(value.GetRawText(), out Decimal number) || !number.IsInteger || number.IsNegative)
            throw new SchemaError($"{schema.Pointer}/{keyword}", "it is no whole number from 0");
        return number.Digits > int.MaxValue - 1 ? int.MaxValue - 1 : (int)number.Digits;
    }
}
