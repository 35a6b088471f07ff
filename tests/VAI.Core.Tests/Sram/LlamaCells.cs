using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Residency;

namespace VAI.Core.Tests.Sram;

/// <summary>llama.cpp's own count of the cells that hold something. Its API has none, but a state of all sequences begins with it.</summary>
internal static class LlamaCells
{
    /// <summary>On the pipeline's thread.</summary>
    public static unsafe int Used(LlamaContext llama)
    {
        const int AllSequences = -1;
        byte[] state = new byte[LlamaNative.llama_state_seq_get_size(llama.Handle, AllSequences)];
        nuint written;
        fixed (byte* start = state)
            written = LlamaNative.llama_state_seq_get_data(llama.Handle, start, (nuint)state.Length, AllSequences);
        Assert.Equal(state.Length, (int)written);

        // A magic number, the sequence, streams; then for each stream its cells, and what is in them. All are 32-bit words.
        Assert.Equal((AllSequences, 1), (BitConverter.ToInt32(state, 4), BitConverter.ToInt32(state, 8)));
        return BitConverter.ToInt32(state, 12);
    }

    /// <summary>The ledger is right at this instant.</summary>
    public static Task AssertAgreesAsync(ModelContext model, Func<string> when) => model.Pipeline.InvokeAsync(() =>
    {
        int used = Used(model.Llama);
        Assert.True(used == model.Bank.CellsUsed, $"llama.cpp has {used} cells in use, the ledger {model.Bank.CellsUsed}: {when()}");
        Assert.Equal(model.Llama.Cells, model.Bank.Cells);
    });
}
