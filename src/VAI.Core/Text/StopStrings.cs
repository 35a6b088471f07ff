namespace VAI.Text;

/// <summary>Lets text through up to the first stop string, and holds back what may turn out to be a part of one.</summary>
internal sealed class StopStrings(IReadOnlyList<string>? stops)
{
    private readonly string[] _stops = stops is null ? [] : [.. stops];
    private string _held = "";

    /// <summary>Whether a stop string has appeared. Nothing comes after it.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Takes a piece and returns the text that is now certain.</summary>
    public string Append(string text)
    {
        if (Stopped)
            return "";
        if (_stops.Length == 0 || text.Length == 0)
            return text;
        string all = _held + text;
        int end = First(all);
        Stopped = end >= 0;
        if (!Stopped)
            end = all.Length - MarkEnds.OpenLength(all, _stops);

        _held = Stopped ? "" : all[end..];
        return all[..end];
    }

    /// <summary>What was held back.</summary>
    public string Finish()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    private int First(string text)
    {
        int first = -1;
        foreach (string stop in _stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first))
                first = at;
        }

        return first;
    }
}
