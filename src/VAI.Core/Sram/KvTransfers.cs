using System.Diagnostics;
using VAI.Native.Llama;

namespace VAI.Sram;

/// <summary>
/// A model's KV on its way. In each turn of the lane, before its step, one slice is copied, and more while that takes a small part of
/// a step's time: whoever runs waits for no more of another's copy, however long it is. Those on their way take turns, so that each
/// goes on. Used on the pipeline's thread.
/// </summary>
internal sealed class KvTransfers(LlamaContext llama)
{
    // What a few milliseconds copy.
    private const long SliceBytes = 8 << 20;

    // One part in so many of a step's time may go to copies: else a gigabyte would take hundreds of slow steps.
    private const int Part = 4;

    private readonly List<KvTransfer> _pending = [];
    private long _left = SliceBytes;
    private long _slices;

    /// <summary>Positions of a slice, for tests; what <see cref="SliceBytes"/> come to if null. Then a turn is one slice, too.</summary>
    public int? SliceTokens { get; set; }

    /// <summary>Slices that were copied in turns. From any thread, as of some moment.</summary>
    public long Slices => Volatile.Read(ref _slices);

    public bool Any => _pending.Count > 0;

    /// <summary>How many positions of a line a slice has; all that it holds where llama.cpp copies whole sequences only.</summary>
    public int SliceOf(SramLine line)
    {
        int all = Math.Max(1, line.Tokens.Count);
        if (!llama.CanSlice)
            return all;
        return SliceTokens ?? (int)Math.Clamp(SliceBytes * all / Math.Max(1, llama.StateBytes(line.Sequence)), 1, all);
    }

    /// <summary>Begins one. What is short is copied at once, as long as a turn has not had its slice.</summary>
    public void Begin(KvTransfer transfer)
    {
        long bytes = transfer.BytesAtOnce;
        if (bytes <= _left)
        {
            _left -= bytes;
            Move(transfer);
        }

        if (!transfer.Ended)
            _pending.Add(transfer);
    }

    /// <summary>Whether a copy that cannot be cut may be made in this turn: one, or as many short ones as make a slice.</summary>
    public bool MayCopy(long bytes)
    {
        if (bytes > _left && _left < SliceBytes)
            return false;
        _left = Math.Max(0, _left - bytes);
        return true;
    }

    /// <summary>A turn: the next slice.</summary>
    /// <param name="stepTicks">Stopwatch ticks of the lane's last step.</param>
    public void Advance(long stepTicks)
    {
        _left = SliceBytes;
        if (_pending.Count == 0)
            return;
        long start = Stopwatch.GetTimestamp(), most = SliceTokens is null ? stepTicks / Part : 0;
        int waiting = 0;
        while (_pending.Count > waiting)
        {
            KvTransfer next = _pending[0];
            _pending.RemoveAt(0);
            bool moved = Move(next);
            if (!next.Ended)
                _pending.Add(next);
            if (!moved && !next.Ended)
            {
                waiting++;
                continue;
            }

            (waiting, _left) = (0, 0);
            Volatile.Write(ref _slices, _slices + 1);
            if (Stopwatch.GetTimestamp() - start >= most)
                return;
        }
    }

    /// <summary>A line is cut back: what reads more of it ends.</summary>
    public void Cut(SramLine line, int length)
    {
        for (int i = _pending.Count - 1; i >= 0; i--)
        {
            KvTransfer transfer = _pending[i];
            if (transfer.Line == line && transfer.Reads > length)
                Stop(transfer, null);
        }
    }

    public void Stop(KvTransfer transfer, Exception? why)
    {
        _pending.Remove(transfer);
        transfer.Stop(why);
    }

    /// <summary>Ends all of them.</summary>
    public void StopAll(Exception why)
    {
        while (_pending.Count > 0)
            Stop(_pending[^1], why);
    }

    // What goes wrong with one ends that one.
    private static bool Move(KvTransfer transfer)
    {
        try
        {
            return transfer.Advance();
        }
        catch (Exception)
        {
            transfer.Fail();
            return true;
        }
    }
}
