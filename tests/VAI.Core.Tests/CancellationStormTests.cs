using System.Diagnostics.Metrics;
using VAI.Core.Tests.Sram;
using Xunit.Abstractions;

namespace VAI.Core.Tests;

/// <summary>Cancellations at random instants beside one session that must not notice. VAI_TEST_CANCELLATIONS sets how many.</summary>
public sealed class CancellationStormTests(ForgedModels models, ITestOutputHelper output) : EngineTest(models)
{
    private const int Workers = 4;
    private static readonly int Cancellations =
        int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_CANCELLATIONS"), out int set) ? set : 200;

    [Fact]
    public async Task Others_get_their_next_token_with_every_step()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        await using IVai vai = Vai.Create(o => o.AddModel("storm", Models["tiny"], m => (m.ContextLength, m.SramTokens, m.MaxSessions) = (512, 4096, 6)));
        IModelContext model = vai.Select(await vai.LoadAsync("storm"));
        int steps = 0;
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "vai.step.rows")
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<int>((_, _, tags, _) =>
        {
            if (tags[0].Value is "storm")
                Interlocked.Increment(ref steps);
        });
        meters.Start();

        using var stop = new CancellationTokenSource();
        (int tokens, int stepsMeanwhile) = (0, 0);
        Task steady = Task.Run(async () =>
        {
            // One transaction after the other; the reader is never behind. Between two tokens of one there is one step.
            await using IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
            while (!stop.IsCancellationRequested)
            {
                int before = 0;
                await foreach (InferenceUpdate update in session.InferAsync((int[])[5, 6, 7], Greedy(100)))
                {
                    if (update.Result is not null)
                        break;
                    if (before == 0)
                        before = Volatile.Read(ref steps);
                    tokens++;
                }

                stepsMeanwhile += Volatile.Read(ref steps) - before;
                await session.RollbackAsync();
            }
        });

        int cancelled = 0;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            while (Volatile.Read(ref cancelled) < Cancellations)
            {
                await using IInferenceSession session = model.OpenSession();
                int[] prompt = [.. Enumerable.Range(0, 1 + random.Next(300)).Select(_ => 3 + random.Next(900))];
                using var cancel = new CancellationTokenSource(TimeSpan.FromMicroseconds(random.Next(40_000)));
                try
                {
                    await foreach (InferenceUpdate unused in session.InferAsync(prompt, Greedy(40), cancel.Token))
                    {
                    }
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        })));
        await stop.CancelAsync();
        await steady;

        // The reader may see a token a few steps after it was made, at the beginning and at the end of each transaction.
        int transactions = tokens / 100;
        output.WriteLine($"{cancelled} cancelled, {transactions} transactions of 100 tokens in {stepsMeanwhile} steps");
        Assert.True(transactions > 0);
        Assert.InRange(stepsMeanwhile, 0, (transactions * 99) + (transactions * 10));
        await SramTests.AssertNothingLeakedAsync(model);
    }
}
