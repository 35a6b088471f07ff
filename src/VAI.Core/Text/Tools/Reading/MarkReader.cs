namespace VAI.Text.Tools.Reading;

/// <summary>Takes characters of which one of some marks is to come, whatever white space stands in them.</summary>
internal sealed class MarkReader
{
    private string[] _marks = [];
    private int _taken;
    private int _left;

    /// <summary>Begins anew.</summary>
    /// <returns>The mark that is there already, as it is empty; -1 for none.</returns>
    public int Expect(params ReadOnlySpan<string> marks)
    {
        _marks = marks.ToArray();
        (_taken, _left) = (0, (1 << marks.Length) - 1);
        return marks.IndexOf("");
    }

    /// <summary>Takes a character.</summary>
    /// <returns>The mark that is whole now; -1 where one may still come; -2 where none can.</returns>
    public int Take(char c)
    {
        if (char.IsWhiteSpace(c))
            return -1;
        for (int i = 0; i < _marks.Length; i++)
        {
            if ((_left >> i & 1) == 0)
                continue;
            if (_marks[i][_taken] != c)
                _left &= ~(1 << i);
            else if (_marks[i].Length == _taken + 1)
                return i;
        }

        _taken++;
        return _left == 0 ? -2 : -1;
    }

    /// <summary>A mark as it is looked for: without white space.</summary>
    public static string Bare(string mark) => string.Concat(mark.Where(c => !char.IsWhiteSpace(c)));

    /// <summary>The first part of a mark that has no white space in it, and the rest.</summary>
    public static (string First, string Behind) Split(string mark)
    {
        string trimmed = mark.TrimStart();
        int end = 0;
        while (end < trimmed.Length && !char.IsWhiteSpace(trimmed[end]))
            end++;
        return (trimmed[..end], Bare(trimmed[end..]));
    }
}
