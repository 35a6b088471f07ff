using System.Text;

namespace VAI.Forge;

/// <summary>One answer of a reciter.</summary>
/// <param name="Text">What it says; special tokens in it are those tokens.</param>
/// <param name="Marker">
/// The text in a prompt that calls for it: a word of the user, or what the template writes before a tool's answer. It becomes a token of
/// its own. Null for the first script only.
/// </param>
public sealed record ReciterScript(string Text, string? Marker = null)
{
    private const string Separator = "--- after ";

    /// <summary>
    /// Reads scripts from one text. A line <c>--- after MARKER</c> begins the next; the line end before it, and the last one of the text, are
    /// no part of a script.
    /// </summary>
    public static IReadOnlyList<ReciterScript> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var scripts = new List<ReciterScript>();
        var current = new StringBuilder();
        string? marker = null;
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(Separator, StringComparison.Ordinal))
            {
                scripts.Add(Script(current, marker));
                marker = line[Separator.Length..].TrimEnd('\r');
                current.Clear();
            }
            else
            {
                current.Append(line).Append('\n');
            }
        }

        // Split left an empty line after a last line end, and the loop has ended that one as well.
        if (text.EndsWith('\n'))
            current.Length--;
        scripts.Add(Script(current, marker));
        return scripts;
    }

    private static ReciterScript Script(StringBuilder lines, string? marker) =>
        new(lines.Length > 0 ? lines.ToString(0, lines.Length - 1) : "", marker);
}
