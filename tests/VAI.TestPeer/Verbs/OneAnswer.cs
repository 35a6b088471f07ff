using VAI.Native.Llama;
using VAI.Native.Machine;
using VAI.Pipeline.Compute;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>one-answer DIR FILE</c>: of the model, by two threads. Prints whether the kernel says how long cores were idle, whether all threads compute each step
/// therefore, how many did, and the tokens of the answer.
/// </summary>
internal static class OneAnswer
{
    private const int Threads = 2;

    public static async Task<int> RunAsync(string directory, string file)
    {
        await using IVai vai = Vai.Create(new VaiOptions { RomDirectory = directory, Threads = Threads });
        IModelContext model = vai.Select(await vai.LoadAsync(new ModelOptions { Name = "m", File = file, ContextLength = 256 }));
        await using IInferenceSession session = model.OpenSession();
        var tokens = new List<int>();
        InferenceResult? result = null;
        await foreach (InferenceUpdate update in session.InferAsync("Write Verilog AND gate", InferenceOptions.Greedy with { MaxTokens = 16 }))
        {
            result = update.Result;
            if (result is null)
                tokens.Add(update.TokenId);
        }

        using var cpus = new CpuTimes();
        using var threads = new ComputeThreads(new LlamaThreadpool(Threads), always: false);
        Console.WriteLine(FormattableString.Invariant($"{cpus.IsKnown} {threads.IsFixed} {result!.ComputeThreads} {string.Join(',', tokens)}"));
        return ExitCodes.Done;
    }
}
