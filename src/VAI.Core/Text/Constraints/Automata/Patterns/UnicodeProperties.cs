using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace VAI.Text.Constraints.Automata.Patterns;

/// <summary>Unicode's general categories, as the runtime knows them.</summary>
internal static class UnicodeProperties
{
    // In the order of UnicodeCategory.
    private static readonly string[] Short =
        ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi",
            "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn"];

    private static readonly Dictionary<string, string> Long = (
        "Uppercase_Letter=Lu Lowercase_Letter=Ll Titlecase_Letter=Lt Modifier_Letter=Lm Other_Letter=Lo "
        + "Nonspacing_Mark=Mn Spacing_Mark=Mc Enclosing_Mark=Me Decimal_Number=Nd digit=Nd Letter_Number=Nl "
        + "Other_Number=No Space_Separator=Zs Line_Separator=Zl Paragraph_Separator=Zp Control=Cc cntrl=Cc Format=Cf "
        + "Surrogate=Cs Private_Use=Co Unassigned=Cn Connector_Punctuation=Pc Dash_Punctuation=Pd Open_Punctuation=Ps "
        + "Close_Punctuation=Pe Initial_Punctuation=Pi Final_Punctuation=Pf Other_Punctuation=Po Math_Symbol=Sm "
        + "Currency_Symbol=Sc Modifier_Symbol=Sk Other_Symbol=So Letter=L Mark=M Combining_Mark=M Number=N Punctuation=P "
        + "punct=P Symbol=S Separator=Z Other=C Cased_Letter=LC")
        .Split(' ').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

    // All code points are looked at once, which takes some milliseconds.
    private static readonly Lazy<CharSet[]> Categories = new(Read);

    // By name, of which there are few.
    private static readonly ConcurrentDictionary<string, CharSet> Known = new();

    private static readonly ConditionalWeakTable<CharSet, CharSet> Complements = [];

    /// <summary>A general category by its short or long name, or <c>Any</c>, <c>ASCII</c> or <c>Assigned</c>; null where it is none of these.</summary>
    public static CharSet? Find(string name)
    {
        foreach (string prefix in (ReadOnlySpan<string>)["gc=", "General_Category="])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                return Category(name[prefix.Length..]);
        }

        return name switch
        {
            "Any" => CharSet.All,
            "ASCII" => CharSet.Range(0, 127),
            "Assigned" => Not(Category("Cn")!),
            _ => Category(name),
        };
    }

    /// <summary>All other code points than those of a category.</summary>
    public static CharSet Not(CharSet category) => Complements.GetValue(category, set => set.Complement());

    private static CharSet? Category(string name)
    {
        if (Known.TryGetValue(name, out CharSet? found))
            return found;
        CharSet? set = Make(name);
        if (set is not null)
            Known[name] = set;
        return set;
    }

    private static CharSet? Make(string name)
    {
        if (Long.TryGetValue(name, out string? known))
            name = known;
        if (name == "LC")
            return Of(category => category is "Lu" or "Ll" or "Lt");
        return name.Length == 1 && "LMNPSZC".Contains(name[0]) ? Of(category => category[0] == name[0])
            : Short.Contains(name) ? Of(category => category == name) : null;
    }

    private static CharSet Of(Func<string, bool> isOne)
    {
        CharSet all = CharSet.None;
        for (int i = 0; i < Short.Length; i++)
        {
            if (isOne(Short[i]))
                all = all.Union(Categories.Value[i]);
        }

        return all;
    }

    private static CharSet[] Read()
    {
        List<CharRange>[] ranges = [.. Short.Select(_ => new List<CharRange>())];
        for (int first = 0; first <= CharSet.LastCodePoint;)
        {
            UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory(first);
            int last = first;
            while (last < CharSet.LastCodePoint && CharUnicodeInfo.GetUnicodeCategory(last + 1) == category)
                last++;
            ranges[(int)category].Add(new CharRange(first, last));
            first = last + 1;
        }

        return [.. ranges.Select(CharSet.OfRanges)];
    }
}
