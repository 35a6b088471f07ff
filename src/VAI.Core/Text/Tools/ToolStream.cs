using System.Text;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools;

/// <summary>Tells calls of tools from what is said before them, as it comes.</summary>
/// <param name="format">How they are written.</param>
/// <param name="atStart">Whether calls begin an answer or are none: what else an answer is may have such marks in it.</param>
internal sealed class ToolStream(ToolFormat format, bool atStart = false)
{
    private readonly string[] _marks = format.Trigger.Length == 0 ? ["{"] : [.. format.Triggers];
    private readonly StringBuilder _space = new();
    private string _held = format.Begun;
    private bool _said = format.SaidOpen.Length == 0;
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
        if (!_said && Opens(ref all))
            return ("", "");
        if (format.Trigger.Length == 0 || atStart)
            return AtStart(all);
        int at = _marks.Min(t => all.IndexOf(t, StringComparison.Ordinal) is >= 0 and int start ? start : int.MaxValue);
        if (at < int.MaxValue)
        {
            Calls = true;
            return (all[..at], all[at..]);
        }

        int open = MarkEnds.OpenLength(all, _marks);
        _held = all[^open..];
        return (all[..^open], "");
    }

    // What stands before all that is said is none of it. Whether that is still to be seen.
    private bool Opens(ref string all)
    {
        string mark = format.Begun + format.SaidOpen;
        if (mark.Length > all.Length && mark.StartsWith(all, StringComparison.Ordinal))
        {
            _held = all;
            return true;
        }

        _said = true;
        _begun = all.StartsWith(mark, StringComparison.Ordinal);
        all = _begun ? all[mark.Length..] : all;
        return false;
    }

    // By its first characters.
    private (string Content, string Calls) AtStart(string all)
    {
        string begun = all.TrimStart();
        if (!_begun && begun.Length == 0)
        {
            _space.Append(all);
            return ("", "");
        }

        Calls = !_begun && _marks.Any(m => begun.StartsWith(m, StringComparison.Ordinal));
        if (_begun || (begun.Length > 0 && !Calls && !_marks.Any(m => m.StartsWith(begun, StringComparison.Ordinal))))
        {
            _begun = true;
            return (TakeSpace() + all, "");
        }

        if (Calls)
        {
            _space.Clear();
            return ("", begun);
        }

        _held = all;
        return ("", "");
    }

    /// <summary>What was held back: the beginning of a mark that did not come.</summary>
    public string Finish()
    {
        string rest = _said ? _held : _held[Math.Min(format.Begun.Length, _held.Length)..];
        _held = "";
        return TakeSpace() + rest;
    }

    // What stands before it, which calls do without.
    private string TakeSpace()
    {
        string space = _space.ToString();
        _space.Clear();
        return space;
    }
}
