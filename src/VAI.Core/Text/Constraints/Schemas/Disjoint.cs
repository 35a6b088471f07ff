using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>Whether no value fits two schemas: then one of them is any of them.</summary>
internal static class Disjoint
{
    /// <exception cref="SchemaError">It cannot be told that they are.</exception>
    public static void Check(Expansion expansion, List<SchemaItem> schemas, string pointer)
    {
        List<Facts>[] facts = [.. schemas.Select(s => expansion.Of([s]))];
        for (int i = 0; i < facts.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!Are(expansion, facts[i], facts[j]))
                    throw new SchemaError(pointer, $"whether a value fits both schema {j} and schema {i} cannot be told; use 'anyOf', or give them types or constants that differ");
            }
        }
    }

    private static bool Are(Expansion expansion, List<Facts> all, List<Facts> others)
    {
        foreach (Facts x in all)
        {
            foreach (Facts y in others)
            {
                if (!Are(expansion, x, y))
                    return false;
            }
        }

        return true;
    }

    private static bool Are(Expansion expansion, Facts x, Facts y)
    {
        expansion.Compare(1);
        JsonTypes common = x.Types & y.Types;
        if (x.Values is not null || y.Values is not null)
        {
            if (x.Values is { } values && y.Values is { } others)
                return !expansion.HaveCommon(values, others);
            expansion.Compare((x.Values ?? y.Values)!.Count / 8);
            return (x.Values ?? y.Values)!.All(v => (JsonValue.TypeOf(v) & common) == 0);
        }

        if (common == JsonTypes.None)
            return true;
        return common switch
        {
            JsonTypes.Object => Objects(expansion, x, y),
            JsonTypes.Integer or JsonTypes.Fraction or JsonTypes.Number => Numbers(x, y) || Numbers(y, x),
            _ => false,
        };
    }

    // A member that both must have, and whose constants differ; or that one must have and the other may not.
    private static bool Objects(Expansion expansion, Facts x, Facts y)
    {
        expansion.Compare((x.Required.Count + y.Required.Count) * (long)(x.Schemas.Count + y.Schemas.Count) / 8);
        foreach (string name in x.Required)
        {
            if (y.Constants(name) is { } at && (at.Count == 0 || (y.Required.Contains(name) && x.Constants(name) is { } own && !expansion.HaveCommon(own, at))))
                return true;
        }

        foreach (string name in y.Required)
        {
            if (x.Constants(name) is { Count: 0 })
                return true;
        }

        return false;
    }

    private static bool Numbers(Facts x, Facts y)
    {
        foreach ((Decimal most, bool mostOut) in Bounds(x, "maximum", "exclusiveMaximum"))
        {
            foreach ((Decimal least, bool leastOut) in Bounds(y, "minimum", "exclusiveMinimum"))
            {
                int scale = Math.Max(most.Fraction, least.Fraction);
                int by = (most.Digits * System.Numerics.BigInteger.Pow(10, scale - most.Fraction)).CompareTo(least.Digits * System.Numerics.BigInteger.Pow(10, scale - least.Fraction));
                if (by < 0 || (by == 0 && (mostOut || leastOut)))
                    return true;
            }
        }

        return false;
    }

    private static IEnumerable<(Decimal, bool)> Bounds(Facts facts, string keyword, string exclusive)
    {
        foreach (SchemaItem schema in facts.Schemas)
        {
            if (schema.Find(keyword) is { ValueKind: JsonValueKind.Number } at && Decimal.TryRead(at.GetRawText(), out Decimal number))
                yield return (number, false);
            if (schema.Find(exclusive) is { ValueKind: JsonValueKind.Number } beyond && Decimal.TryRead(beyond.GetRawText(), out number))
                yield return (number, true);
        }
    }
}
