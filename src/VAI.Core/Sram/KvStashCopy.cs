using System.Diagnostics;
using System.Runtime.InteropServices;
using VAI.Native.Llama;
using VAI.Sessions;

namespace VAI.Sram;

/// <summary>
/// A session's KV on its way to shared memory, while its line runs on: what it copies is what the line held when it began, whose
/// positions stay as they are. If the line is cut back behind them nothing is published, and the copy before stays the one that counts.
/// </summary>
/// <param name="llama">Has the line.</param>
/// <param name="line">What is copied.</param>
/// <param name="take">A file for so many bytes, whose next copy this is; null if there is none.</param>
/// <param name="cut">How positions are cut.</param>
/// <param name="ended">Called at its end.</param>
internal sealed class KvStashCopy(
    LlamaContext llama, SramLine line, Func<long, KvStashFile?> take, Func<SramLine, KvSlice[]?> cut, Action<KvStashCopy, KvTransferEnd> ended)
    : KvTransfer(line)
{
    // More than llama.cpp writes beside keys and values: numbers of each layer.
    private const int SliceOverhead = 1 << 15;

    private KvSlice[] _slices = [];
    private int _next;
    private long _at;

    /// <summary>Where it is made; null before it has begun.</summary>
    public KvStashFile? File { get; private set; }

    /// <summary>Entries in it.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes of it.</summary>
    public long Bytes { get; private set; }

    /// <summary>Stopwatch ticks that it has taken.</summary>
    public long Ticks { get; private set; }

    public ReadOnlySpan<KvSlice> Slices => _slices;

    // What has not begun reads nothing yet.
    public override int Reads => Length;

    public override long BytesAtOnce => cut(Line) is [_] ? llama.StateBytes(Line.Sequence) : long.MaxValue;

    protected override bool Move()
    {
        long start = Stopwatch.GetTimestamp();
        bool goesOn = (File is not null || TryBegin()) && TryCopy();
        Ticks += Stopwatch.GetTimestamp() - start;
        if (!goesOn)
            Fail();
        else if (_next == _slices.Length)
            End(KvTransferEnd.Whole);
        return true;
    }

    protected override void Close(KvTransferEnd end, Exception? why) => ended(this, end);

    private bool TryBegin()
    {
        if (cut(Line) is not { } slices)
            return false;
        (_slices, Length) = (slices, Line.Tokens.Count);
        _at = SessionSeal.HeaderBytes + (4L * Length) + ((long)KvSlice.EntryBytes * slices.Length);
        File = take(SessionSeal.Length(0, Length, slices.Length, llama.StateBytes(Line.Sequence) + ((long)SliceOverhead * (slices.Length - 1))));
        if (File is null)
            return false;
        MemoryMarshal.AsBytes(Line.Span).CopyTo(File.Next[SessionSeal.HeaderBytes..]);
        return true;
    }

    private bool TryCopy()
    {
        KvSlice slice = _slices[_next];
        bool whole = _slices.Length == 1 && Line.Tokens.Count == Length;
        long bytes = whole ? llama.StateBytes(Line.Sequence) : llama.BeginSlice(Line.Sequence, slice.From, slice.End);
        bool fits = bytes > 0 && _at + bytes + SessionSeal.MacBytes <= File!.Capacity;
        Span<byte> to = fits ? File!.Next.Slice((int)_at, (int)bytes) : default;
        long written = !whole ? llama.EndSlice(to) : fits ? llama.SaveState(Line.Sequence, to) : 0;
        if (written != bytes)
            return false;
        _slices[_next++] = slice with { Bytes = bytes, Checksum = KvSlice.Sum(to) };
        Bytes += bytes;
        _at += bytes;
        return true;
    }
}
