using System.Diagnostics;
using VAI.Bench;
using VAI.Native.Machine;

namespace VAI.Core.Tests.Pipeline.Compute;

/// <summary>A pipeline beside threads that use the cores for something else.</summary>
public sealed class BusyMachineTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Steps_have_fewer_threads_while_others_use_the_cores_and_all_again_afterwards()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        using (new BusyThreads(2 * Environment.ProcessorCount))
            await UntilAsync(threads => threads < 1.5);

        // Where something else uses a core all the time they stay fewer, and rightly.
        using var cores = new CpuTimes();
        long start = Stopwatch.GetTimestamp(), idle = cores.Idle();
        await UntilAsync(threads => threads > 1.5 || AreUsed(Stopwatch.GetElapsedTime(start)));

        bool AreUsed(TimeSpan elapsed) =>
            elapsed > TimeSpan.FromSeconds(20) && cores.Idle() - idle < elapsed.TotalNanoseconds * (cores.Count - 1) / 2;

        async Task UntilAsync(Func<double, bool> reached)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            double threads;
            do
                threads = await AskAsync(limit.Token);
            while (!reached(threads));
        }

        async Task<double> AskAsync(CancellationToken cancellationToken)
        {
            await using IInferenceSession session = model.OpenSession();
            InferenceResult? result = null;
            await foreach (InferenceUpdate update in session.InferAsync("x", InferenceOptions.Greedy with { MaxTokens = 100 }, cancellationToken))
                result = update.Result ?? result;
            return result!.ComputeThreads;
        }
    }

    /// <summary>Neither the number of threads nor a step that was ended for lateness and made again is in what comes out.</summary>
    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    public async Task Under_exact_what_others_do_changes_no_token(int contextLength)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], o => (o.Profile, o.ContextLength) = (RomProfile.Exact, contextLength));
        await using IVai _ = vai;
        int[] undisturbed = await AskAsync();
        using var ended = new CancellationTokenSource();
        Task comesAndGoes = Task.Factory.StartNew(
            () =>
            {
                while (!ended.Token.WaitHandle.WaitOne(200))
                {
                    using (new BusyThreads(2 * Environment.ProcessorCount))
                        ended.Token.WaitHandle.WaitOne(50);
                }
            },
            TaskCreationOptions.LongRunning);
        try
        {
            for (int i = 0; i < 20; i++)
                Assert.Equal(undisturbed, await AskAsync());
        }
        finally
        {
            await ended.CancelAsync();
            await comesAndGoes;
        }

        async Task<int[]> AskAsync()
        {
            await using IInferenceSession session = model.OpenSession();
            return [.. (await ReadAsync(session.InferAsync(Prompt, Greedy(150)))).Tokens];
        }
    }
}
