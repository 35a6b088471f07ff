namespace VAI.Text.Tools;

/// <summary>Tells calls of tools from what is said before them, as it comes.</summary>
internal sealed class ToolStream(ToolFormat format)
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
        int at = format.Trigger.Length > 0 ? all.IndexOf(format.Trigger, StringComparison.Ordinal) : !_begun && all.TrimStart().StartsWith('{') ? 0 : -1;
        if (at >= 0)
        {
            Calls = true;
            return (all[..at], all[at..]);
        }

        if (format.Trigger.Length == 0)
        {
            _begun |= all.Trim().Length > 0;
            return (all, "");
        }

        int open = Open(all);
        _held = all[^open..];
        return (all[..^open], "");
    }

    /// <summary>What was held back: the beginning of a mark that did not come.</summary>
    public string Finish()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    private int Open(string text)
    {
        for (int length = Math.Min(format.Trigger.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan().EndsWith(format.Trigger.AsSpan(0, length)))
                return length;
        }

        return 0;
    }
}
