using VAI.Native.Llama;

namespace VAI.Sram;

/// <summary>
/// KV on its way from host memory to a line. Whatever has come when it ends is a beginning of the log, so that nothing is lost if a
/// slice finds no room or is damaged: the rest is computed.
/// </summary>
/// <param name="llama">Has the line.</param>
/// <param name="bank">The ledger.</param>
/// <param name="placer">Makes room.</param>
/// <param name="line">An empty line that counts as running.</param>
/// <param name="parked">What comes.</param>
/// <param name="wanted">How many of its entries are.</param>
/// <param name="ended">Called at its end.</param>
internal sealed class KvArrival(
    LlamaContext llama, SramBank bank, SramPlacer placer, SramLine line, ParkedKv parked, int wanted, Action<KvArrival, KvTransferEnd> ended) : KvTransfer(line)
{
    private int _next = parked.Slices.Length - 1;

    public int Wanted => wanted;

    public override int Reads => 0;

    public override long BytesAtOnce => parked.Slices is [var only] ? only.Bytes : long.MaxValue;

    protected override bool Move()
    {
        KvSlice slice = parked.Slices[_next];
        if (!placer.MakeRoom(slice.Count) && placer.IsFreeing)
            return false;
        bool came = bank.CellsFree >= slice.Count && parked.IsWhole(_next) && (parked.Slices.Length == 1
            ? llama.LoadState(Line.Sequence, parked.Bytes(_next))
            : llama.LoadSlice(Line.Sequence, parked.Bytes(_next)));
        if (came)
            bank.Extend(Line, parked.Tokens.AsSpan(slice.From, slice.Count));
        if (!came)
            Fail();
        else if (--_next < 0 || slice.End >= wanted)
            End(KvTransferEnd.Whole);
        return true;
    }

    protected override void Close(KvTransferEnd end, Exception? why) => ended(this, end);
}
