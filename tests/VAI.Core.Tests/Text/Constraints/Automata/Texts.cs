using System.Text;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>Texts to try languages with.</summary>
internal static class Texts
{
    /// <summary>All texts of some characters, up to a length.</summary>
    public static IEnumerable<string> All(string characters, int length)
    {
        var last = new List<string> { "" };
        for (int i = 0; ; i++)
        {
            foreach (string text in last)
                yield return text;
            if (i == length)
                yield break;
            last = [.. last.SelectMany(text => characters.Select(c => text + c))];
        }
    }

    /// <summary>A text of code points that tell much apart.</summary>
    public static string Random(Random random, int longest)
    {
        string[] parts = ["a", "b", "c", "A", "Z", "0", "9", "_", "-", " ", "\n", "\t", "é", "ß", "Ω", "漢", "\u2028", "\uFEFF", "😀", "𝒳", "."];
        var text = new StringBuilder();
        for (int i = random.Next(longest + 1); i > 0; i--)
            text.Append(parts[random.Next(parts.Length)]);
        return text.ToString();
    }
}
