namespace VAI.Sram;

/// <summary>
/// The ledger of a model's KV cache: which lines there are, what is in them, how many cells that takes, shared ones counted once, and how
/// many more are reserved for those who run. Its count is llama.cpp's own, cell by cell: llama.cpp would say "no slot" in the
/// middle of a step; the ledger says it before. Used on the pipeline's thread; the counts may be read from any.
/// </summary>
/// <param name="cells">Cells of the bank, as llama.cpp has rounded them up.</param>
/// <param name="lines">Sequences.</param>
/// <param name="pooled">One pool of cells that lines can share, rather than an equal part for each.</param>
internal sealed class SramBank(int cells, int lines, bool pooled)
{
    private int _cellsUsed;
    private long _turn;

    /// <summary>A bank of lines that hold nothing between steps, as an encoder's do.</summary>
    public static SramBank Unbounded(int lines) => new(int.MaxValue, lines, pooled: false) { LineCells = int.MaxValue };

    public SramLine[] Lines { get; } = [.. Enumerable.Range(0, lines).Select(i => new SramLine(i))];

    public int Cells => cells;

    public bool Pooled => pooled;

    public int CellsUsed => Volatile.Read(ref _cellsUsed);

    /// <summary>Cells that any line could take. Where each has its own part, no line ever takes from another.</summary>
    public int CellsFree => pooled ? cells - _cellsUsed : int.MaxValue;

    /// <summary>The most entries that one line could ever hold.</summary>
    public int LineCells { get; private init; } = pooled ? cells : cells / lines;

    /// <summary>Cells that those who run hold, and those reserved for them. Whatever else is held can be given up.</summary>
    public int CellsClaimed
    {
        get
        {
            int claimed = CellsOf(LineUse.Running);
            foreach (SramLine line in Lines)
            {
                if (line.Use == LineUse.Running)
                    claimed += Math.Max(0, line.Reserved - line.Tokens.Count);
            }

            return claimed;
        }
    }

    /// <summary>Marks a line as just used.</summary>
    public void Touch(SramLine line) => line.LastUsed = ++_turn;

    /// <summary>Counts entries that a step has put into a line. Allocates only where the line's list must grow.</summary>
    public void Extend(SramLine line, ReadOnlySpan<int> entries)
    {
        int end = line.Tokens.Count + entries.Length;
        List<KvExtent> extents = line.Extents;

        // A run that others hold further than this line is theirs from there on.
        KvRun run = extents.Count > 0 && extents[^1].End == extents[^1].Run.End ? extents[^1].Run : Begin(line);
        extents[^1] = new KvExtent(run, end);
        Grow(run, end);
        foreach (int entry in entries)
            line.Tokens.Add(entry);
    }

    /// <summary>Gives an empty line the first <paramref name="length"/> entries of another.</summary>
    public void Share(SramLine from, SramLine to, int length)
    {
        if (!pooled)
        {
            Extend(to, from.Span[..length]);
            return;
        }

        foreach (KvExtent extent in from.Extents)
        {
            if (extent.Run.Start < length)
                to.Extents.Add(extent with { End = Math.Min(extent.End, length) });
        }

        to.Tokens.AddRange(from.Span[..length]);
    }

    /// <summary>Cuts a line back; cells that no other line holds are free again.</summary>
    public void Truncate(SramLine line, int length)
    {
        if (line.Tokens.Count <= length)
            return;
        line.Tokens.RemoveRange(length, line.Tokens.Count - length);
        while (line.Extents.Count > 0 && line.Extents[^1].End > length)
        {
            KvRun run = line.Extents[^1].Run;
            if (run.Start < length)
                line.Extents[^1] = new KvExtent(run, length);
            else
                line.Extents.RemoveAt(line.Extents.Count - 1);
            Grow(run, Longest(run));
        }
    }

    /// <summary>Cells that the lines of a use hold together.</summary>
    public int CellsOf(LineUse use)
    {
        foreach (SramLine line in Lines)
        {
            foreach (KvExtent extent in line.Extents)
                extent.Run.Mark = extent.Run.Start;
        }

        int held = 0;
        foreach (SramLine line in Lines)
        {
            if (line.Use != use)
                continue;
            foreach (KvExtent extent in line.Extents)
            {
                held += Math.Max(0, extent.End - extent.Run.Mark);
                extent.Run.Mark = Math.Max(extent.Run.Mark, extent.End);
            }
        }

        return held;
    }

    private static KvRun Begin(SramLine line)
    {
        var run = new KvRun(line.Tokens.Count);
        line.Extents.Add(new KvExtent(run, run.Start));
        return run;
    }

    private void Grow(KvRun run, int end)
    {
        Volatile.Write(ref _cellsUsed, _cellsUsed + end - run.End);
        run.End = end;
    }

    private int Longest(KvRun run)
    {
        int longest = run.Start;
        foreach (SramLine line in Lines)
        {
            foreach (KvExtent extent in line.Extents)
            {
                if (extent.Run == run)
                    longest = Math.Max(longest, extent.End);
            }
        }

        return longest;
    }
}
