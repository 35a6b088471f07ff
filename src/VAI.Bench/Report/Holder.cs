using VAI.Native.Abi;
using VAI.Native.Llama;

namespace VAI.Bench.Report;

/// <summary>Holds one model with room for one short session, once from its ROM or as llama.cpp by itself loads it.</summary>
internal static class Holder
{
    /// <summary>What the process says when its model is loaded and has answered once.</summary>
    public const string Ready = "ready";

    private const int Cells = 512;
    private const string Prompt = "hold";

    /// <summary>Loads the model, answers once, since the first step touches all weights, and waits.</summary>
    /// <param name="file">The model.</param>
    /// <param name="own">Whether by llama.cpp's own default load, rather than from a ROM.</param>
    /// <param name="romDirectory">As <see cref="VaiOptions.RomDirectory"/>.</param>
    /// <param name="wait">Called when the model is held.</param>
    /// <param name="cancellation">Ends the load.</param>
    public static async Task HoldAsync(string file, bool own, string? romDirectory, Func<Task> wait, CancellationToken cancellation)
    {
        if (own)
        {
            NativeLoader.EnsureLoaded();
            using var model = LlamaModel.Load(file, new LlamaModelSettings { Repack = true }, null, cancellation);
            using LlamaContext context = Answer(model);
            await wait().ConfigureAwait(false);
            return;
        }

        await using IVai vai = Vai.Create(new VaiOptions { RomDirectory = romDirectory });
        var options = new ModelOptions
        {
            Name = BenchModel.FromFiles(file, file).First.Name,
            File = file,
            ContextLength = Cells,
            BatchSize = Cells,
            MaxSessions = 1,
        };
        IModelContext held = vai.Select(await vai.LoadAsync(options, null, cancellation).ConfigureAwait(false));
        await using IInferenceSession session = held.OpenSession();
        await foreach (InferenceUpdate _ in session.InferAsync(Prompt, InferenceOptions.Greedy with { MaxTokens = 1 }, cancellation).ConfigureAwait(false))
        {
        }

        await wait().ConfigureAwait(false);
    }

    private static LlamaContext Answer(LlamaModel model)
    {
        var context = new LlamaContext(model, new LlamaContextSettings
        {
            Cells = Cells,
            BatchSize = Cells,
            MicroBatchSize = Cells,
            MaxSequences = 1,
            Threads = Residency.Cores.Physical,
        });
        context.Batch.Clear();
        context.Batch.Add(1, 0, 0, logits: true);
        context.Decode();
        return context;
    }
}
