namespace VAI.Engine;

/// <summary>
/// The bookkeeping of a model's KV cache: which sequences are free, and how many cells are taken. llama.cpp would say
/// "no slot" in the middle of a step; the bank says it before.
/// </summary>
/// <remarks>Sequences are taken and returned from any thread; cells are counted on the pipeline's thread alone.</remarks>
internal sealed class SramBank
{
    private readonly Stack<int> _free;

    public SramBank(int cells, int sequences)
    {
        Cells = cells;
        Sequences = sequences;
        _free = new Stack<int>(Enumerable.Range(0, sequences).Reverse());
    }

    public int Cells { get; }

    public int Sequences { get; }

    public int CellsUsed { get; private set; }

    public int CellsFree => Cells - CellsUsed;

    public bool TryTakeSequence(out int sequence)
    {
        lock (_free)
            return _free.TryPop(out sequence);
    }

    public void ReturnSequence(int sequence)
    {
        lock (_free)
            _free.Push(sequence);
    }

    /// <summary>Counts cells as used, or as free again where negative.</summary>
    public void Count(int cells) => CellsUsed += cells;
}
