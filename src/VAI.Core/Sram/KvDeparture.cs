using VAI.Native.Llama;

namespace VAI.Sram;

/// <summary>A copy of a session's KV, as it came.</summary>
/// <param name="Kv">Null if there is none, or was no host memory for it: it can be computed again.</param>
/// <param name="IsTheSessions">Whether the session keeps it, rather than whoever asked for it.</param>
internal readonly record struct CopiedKv(ParkedKv? Kv, bool IsTheSessions);

/// <summary>
/// A line's KV on its way to host memory. Until it has ended the line is nobody's victim, and stays as it is; its owner may take it
/// back, which ends it.
/// </summary>
/// <param name="llama">Has the line.</param>
/// <param name="line">What is copied.</param>
/// <param name="lot">Where memory is taken.</param>
/// <param name="slices">How it is cut.</param>
/// <param name="evicts">Whether the line is given up then.</param>
/// <param name="ended">Called at its end, with the copy if it is whole.</param>
internal sealed class KvDeparture(
    LlamaContext llama, SramLine line, ParkingLot lot, KvSlice[] slices, bool evicts, Action<KvTransferEnd, ParkedKv?> ended) : KvTransfer(line)
{
    private readonly ParkedKv _copy = ParkedKv.ToFill(lot, [.. line.Tokens], slices);
    private TaskCompletionSource<CopiedKv>? _waiting;
    private int _next;

    public bool Evicts => evicts;

    /// <summary>For who waits; asked for before its end.</summary>
    public Task<CopiedKv> Task => (_waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public override int Reads => _copy.Tokens.Length;

    public override long BytesAtOnce => slices.Length == 1 ? llama.StateBytes(Line.Sequence) : long.MaxValue;

    protected override bool Move()
    {
        KvSlice slice = slices[_next];
        bool whole = slices.Length == 1;
        long bytes = whole ? llama.StateBytes(Line.Sequence) : llama.BeginSlice(Line.Sequence, slice.From, slice.End);
        bool taken = _copy.TryTake(_next, bytes);
        Span<byte> to = taken ? _copy.Bytes(_next) : default;
        long written = !whole ? llama.EndSlice(to) : taken ? llama.SaveState(Line.Sequence, to) : 0;
        if (written != bytes || bytes == 0)
            Fail();
        else if (++_next == slices.Length)
            End(KvTransferEnd.Whole);
        return true;
    }

    protected override void Close(KvTransferEnd end, Exception? why)
    {
        if (end != KvTransferEnd.Whole)
            _copy.Dispose();
        ParkedKv? copy = end == KvTransferEnd.Whole ? _copy : null;
        ended(end, copy);
        if (why is null)
            _waiting?.SetResult(new CopiedKv(copy, evicts));
        else
            _waiting?.SetException(why);
    }
}
