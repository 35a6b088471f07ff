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

    /// <summary>The <see cref="SessionOptions.Tag"/> of the session that computed what it holds.</summary>
    public string? Tag { get; set; }

    public LineUse Use { get; set; }

    /// <summary>The copy of it that is being made for its session; null for none. Until that has ended it is nobody's victim.</summary>
    public KvDeparture? Departure { get; set; }

    /// <summary>What comes to it from host memory before its job takes part in steps; null for nothing.</summary>
    public KvArrival? Arrival { get; set; }

    /// <summary>How many entries it may come to hold before its job is placed anew: the cells for them are reserved while it runs.</summary>
    public int Reserved { get; set; }

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
