namespace VAI.Text.Tools;

/// <summary>Tells calls of tools from what is said before them, as it comes.</summary>
/// <param name="format">How they are written.</param>
/// <param name="atStart">Whether calls begin an answer or are none: what else an answer is may have such marks in it.</param>
internal sealed class ToolStream(ToolFormat format, bool atStart = false)
{
    private string _held = "";
    private bool _begun;

    /// <summary>Whether what comes is calls, and will be to the end.</summary>
    public bool Calls { get; private set; }

    /// <summary>Takes a piece, with the texts of control tokens.</summary>
    /// <returns>What is certainly said, and what is certainly calls.</returns>
    public (string Content, string Calls) Append(string text)
    {
        if (Calls)
            return ("", text);
        string all = _held + text;
        _held = "";
        if (format.Trigger.Length == 0 || atStart)
            return AtStart(all);
        int at = all.IndexOf(format.Trigger, StringComparison.Ordinal);
        if (at >= 0)
        {
            Calls = true;
            return (all[..at], all[at..]);
        }

        int open = MarkEnds.OpenLength(all, format.Trigger);
        _held = all[^open..];
        return (all[..^open], "");
    }

    // By its first characters.
    private (string Content, string Calls) AtStart(string all)
    {
        string begun = all.TrimStart(), mark = format.Trigger.Length == 0 ? "{" : format.Trigger;
        if (_begun || (begun.Length > 0 && !begun.StartsWith(mark, StringComparison.Ordinal) && !mark.StartsWith(begun, StringComparison.Ordinal)))
        {
            _begun = true;
            return (all, "");
        }

        Calls = begun.StartsWith(mark, StringComparison.Ordinal);
        if (!Calls)
            _held = all;
        return ("", Calls ? begun : "");
    }

    /// <summary>What was held back: the beginning of a mark that did not come.</summary>
    public string Finish()
    {
        string rest = _held;
        _held = "";
        return rest;
    }
}
