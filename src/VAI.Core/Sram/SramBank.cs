using System.Runtime.InteropServices;
using VAI.Sessions;

namespace VAI.Sram;

/// <summary>What a line does at the moment, in the order in which lines are given up.</summary>
internal enum LineUse
{
    /// <summary>Nothing: its session waits for a prompt, or is gone.</summary>
    Idle,

    /// <summary>Its session waits for its reader.</summary>
    Blocked,

    /// <summary>It takes part in steps.</summary>
    Running,
}

/// <summary>
/// One sequence of a bank, tagged with the tokens it holds. It stays after its session has gone, as a cache of what was
/// computed, until its cells are needed.
/// </summary>
internal sealed class SramLine(int sequence)
{
    /// <summary>llama.cpp's number of it.</summary>
    public int Sequence => sequence;

    /// <summary>The log entries in its KV.</summary>
    public List<int> Tokens { get; } = [];

    public ReadOnlySpan<int> Span => CollectionsMarshal.AsSpan(Tokens);

    /// <summary>The session it belongs to; null for none.</summary>
    public Session? Owner { get; set; }

    public LineUse Use { get; set; }

    /// <summary>When it was last used, in turns of its bank.</summary>
    public long LastUsed { get; set; }

    /// <summary>Which cells it holds: the first positions of each run, in order.</summary>
    public List<KvExtent> Extents { get; } = [];
}

/// <summary>Cells of consecutive positions. Every line that shares them holds them from their start on.</summary>
internal sealed class KvRun(int start)
{
    public int Start { get; } = start;

    /// <summary>One past the last position that a line holds.</summary>
    public int End { get; set; } = start;

    /// <summary>Scratch of <see cref="SramBank.CellsOf"/>.</summary>
    public int Mark { get; set; }
}

/// <summary>A line's part of a run: the positions from the run's start to <paramref name="End"/>.</summary>
internal readonly record struct KvExtent(KvRun Run, int End);

/// <summary>
/// The bookkeeping of a model's KV cache: which lines there are, what is in them, and how many cells that takes, shared ones
/// counted once. llama.cpp would say "no slot" in the middle of a step; the bank says it before. Used on the pipeline's thread;
/// the counts may be read from any.
/// </summary>
/// <param name="cells">Cells of the bank.</param>
/// <param name="lines">Sequences.</param>
/// <param name="pooled">One pool of cells that lines can share, rather than an equal part for each.</param>
internal sealed class SramBank(int cells, int lines, bool pooled)
{
    private int _cellsUsed;
    private long _turn;

    public SramLine[] Lines { get; } = [.. Enumerable.Range(0, lines).Select(i => new SramLine(i))];

    public int Cells => cells;

    public bool Pooled => pooled;

    public int CellsUsed => Volatile.Read(ref _cellsUsed);

    /// <summary>Cells that any line could take. Where each has its own part, no line ever takes from another.</summary>
    public int CellsFree => pooled ? cells - _cellsUsed : int.MaxValue;

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
