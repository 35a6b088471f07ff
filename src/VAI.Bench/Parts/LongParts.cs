using System.Diagnostics;

namespace VAI.Bench.Parts;

/// <summary>What is done with a long prompt: reuse by another session, fork, park.</summary>
internal static class LongParts
{
    private const int ForksOfASession = 5;

    public static async Task<PrefixResult> PrefixAsync(Subject subject, PipelineBenchmarkOptions options, Action<int, int> step)
    {
        int shared = options.LongPromptTokens - PipelineBenchmarkOptions.Unshared;
        var cold = new List<InferenceResult>();
        var reused = new List<InferenceResult>();
        await Rounds.RunAsync(options.LongRounds, step, async _ =>
        {
            int[] prompt = subject.Prompt(options.LongPromptTokens);
            int[] other = [.. prompt[..shared], .. subject.Prompt(PipelineBenchmarkOptions.Unshared)];
            await using IInferenceSession first = subject.Model.OpenSession();
            cold.Add(await subject.AskAsync(first, prompt, 1).ConfigureAwait(false));
            reused.Add(await subject.AskAsync(other, 1).ConfigureAwait(false));
            return cold[^1].FirstTokenTime.TotalMilliseconds;
        }, cold, reused).ConfigureAwait(false);

        return new PrefixResult(
            options.LongPromptTokens,
            shared,
            reused.Min(r => r.ReusedTokens),
            Statistics.Median(cold.Select(r => r.FirstTokenTime)),
            Statistics.Median(reused.Select(r => r.FirstTokenTime)),
            Statistics.Median(cold.Zip(reused, (c, r) => r.FirstTokenTime / c.FirstTokenTime)));
    }

    public static async Task<ForkResult> ForkAsync(Subject subject, PipelineBenchmarkOptions options, Action<int, int> step)
    {
        var calls = new List<TimeSpan>();
        var firsts = new List<InferenceResult>();
        await using IInferenceSession session = await OpenAsync(subject, options).ConfigureAwait(false);
        await Rounds.RunAsync(options.LongRounds * ForksOfASession, step, async _ =>
        {
            long start = Stopwatch.GetTimestamp();
            await using IInferenceSession fork = await session.ForkAsync().ConfigureAwait(false);
            calls.Add(Stopwatch.GetElapsedTime(start));
            firsts.Add(await subject.ContinueAsync(fork).ConfigureAwait(false));
            return firsts[^1].FirstTokenTime.TotalMilliseconds;
        }, calls, firsts).ConfigureAwait(false);

        return new ForkResult(
            session.TokenCount,
            Statistics.Median(calls),
            Statistics.Median(firsts.Select(r => r.FirstTokenTime)),
            firsts.Min(r => r.ReusedTokens));
    }

    public static async Task<ParkResult> ParkAsync(Subject subject, PipelineBenchmarkOptions options, Action<int, int> step)
    {
        var calls = new List<TimeSpan>();
        var stayed = new List<InferenceResult>();
        var restored = new List<InferenceResult>();
        await using IInferenceSession session = await OpenAsync(subject, options).ConfigureAwait(false);
        int tokens = session.TokenCount;
        await session.CommitAsync().ConfigureAwait(false);
        await Rounds.RunAsync(options.LongRounds, step, async _ =>
        {
            stayed.Add(await subject.ContinueAsync(session).ConfigureAwait(false));
            long start = Stopwatch.GetTimestamp();
            await session.ParkAsync().ConfigureAwait(false);
            calls.Add(Stopwatch.GetElapsedTime(start));
            restored.Add(await subject.ContinueAsync(session).ConfigureAwait(false));
            await session.RollbackAsync().ConfigureAwait(false);
            return restored[^1].FirstTokenTime.TotalMilliseconds;
        }, stayed, calls, restored).ConfigureAwait(false);

        return new ParkResult(
            tokens,
            Statistics.Median(calls),
            Statistics.Median(stayed.Zip(restored, (s, r) => r.FirstTokenTime - s.FirstTokenTime)),
            restored.Min(r => r.ReusedTokens));
    }

    private static async Task<IInferenceSession> OpenAsync(Subject subject, PipelineBenchmarkOptions options)
    {
        IInferenceSession session = subject.Model.OpenSession();
        try
        {
            // Its last token is in the log but not yet in the KV, and the first continuation is not like the later ones.
            await subject.AskAsync(session, subject.Prompt(options.LongPromptTokens - 2), 1).ConfigureAwait(false);
            await subject.ContinueAsync(session).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
