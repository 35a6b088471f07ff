namespace VAI.Core.Tests.Pipeline.Compute;

/// <summary>A pipeline beside threads that use the cores for something else.</summary>
public sealed class BusyMachineTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Steps_have_fewer_threads_while_others_use_the_cores_and_all_again_afterwards()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        using (new Busy(2 * Environment.ProcessorCount))
            await UntilAsync(threads => threads < 1.5);
        await UntilAsync(threads => threads > 1.5);

        async Task UntilAsync(Func<double, bool> reached)
        {
            // What else runs on the machine may take its time.
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10));
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
        Task comesAndGoes = Task.Run(async () =>
        {
            while (!ended.IsCancellationRequested)
            {
                using (new Busy(2 * Environment.ProcessorCount))
                    await Task.Delay(50);
                await Task.Delay(200);
            }
        });
        for (int i = 0; i < 20; i++)
            Assert.Equal(undisturbed, await AskAsync());
        await ended.CancelAsync();
        await comesAndGoes;

        async Task<int[]> AskAsync()
        {
            await using IInferenceSession session = model.OpenSession();
            return [.. (await ReadAsync(session.InferAsync(Prompt, Greedy(150)))).Tokens];
        }
    }

    private sealed class Busy : IDisposable
    {
        private readonly Thread[] _threads;
        private volatile bool _ended;

        public Busy(int count)
        {
            _threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(() =>
            {
                while (!_ended)
                    Thread.SpinWait(1000);
            }))];
            foreach (Thread thread in _threads)
                thread.Start();
        }

        public void Dispose()
        {
            _ended = true;
            foreach (Thread thread in _threads)
                thread.Join();
        }
    }
}
