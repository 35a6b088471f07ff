namespace VAI.Text.Tools.Reading;

/// <summary>Finds a mark in text that comes character by character. Linear.</summary>
internal sealed class MarkFinder
{
    private readonly string _mark;
    private readonly int[] _back;

    public MarkFinder(string mark)
    {
        _mark = mark;
        _back = new int[mark.Length + 1];
        for (int i = 1, at = 0; i < mark.Length; i++)
        {
            while (at > 0 && mark[i] != mark[at])
                at = _back[at];
            if (mark[i] == mark[at])
                at++;
            _back[i + 1] = at;
        }
    }

    /// <summary>How many of the last characters are the beginning of the mark.</summary>
    public int Begun { get; private set; }

    /// <summary>Characters of the mark.</summary>
    public int Length => _mark.Length;

    public void Reset() => Begun = 0;

    /// <summary>Takes a character. Whether it ends the mark.</summary>
    public bool Take(char c)
    {
        if (Begun == _mark.Length)
            Begun = _back[Begun];
        while (Begun > 0 && _mark[Begun] != c)
            Begun = _back[Begun];
        if (_mark[Begun] == c)
            Begun++;
        return Begun == _mark.Length;
    }
}
