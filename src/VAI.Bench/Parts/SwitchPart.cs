namespace VAI.Bench.Parts;

/// <summary>First tokens of the first model: after itself, after the second one, and while that generates.</summary>
internal static class SwitchPart
{
    public static async Task<FirstTokenResult> RunAsync(Subject first, Subject second, PipelineBenchmarkOptions options, Action<int, int> step)
    {
        var stay = new List<InferenceResult>();
        var switched = new List<InferenceResult>();
        var busy = new List<InferenceResult>();
        var random = new Random(1);
        await Rounds.RunAsync(options.Rounds, step, async i =>
        {
            await Ask(first).ConfigureAwait(false);
            if (i % 2 == 0)
                stay.Add(await Ask(first).ConfigureAwait(false));
            await Ask(second).ConfigureAwait(false);
            switched.Add(await Ask(first).ConfigureAwait(false));
            if (i % 2 != 0)
                stay.Add(await Ask(first).ConfigureAwait(false));
            busy.Add(await second.WhileGeneratingAsync(options.PromptTokens, Late).ConfigureAwait(false));
            return switched[^1].FirstTokenTime.TotalMilliseconds;
        }, stay, switched, busy).ConfigureAwait(false);

        return new FirstTokenResult(
            Statistics.Median(stay.Select(r => r.FirstTokenTime)),
            Statistics.Median(switched.Select(r => r.FirstTokenTime)),
            Statistics.Median(stay.Zip(switched, (s, w) => w.FirstTokenTime / s.FirstTokenTime)),
            Statistics.Median(busy.Select(r => r.FirstTokenTime)),
            Statistics.Median(busy.Select(Waited)),
            Statistics.Median(stay.Zip(busy, (s, b) => Computed(b) / Computed(s))));

        Task<InferenceResult> Ask(Subject subject) => subject.AskAsync(subject.Prompt(options.PromptTokens), 1);

        // At any moment of the other model's step, not always at its start.
        async Task<InferenceResult> Late()
        {
            await Task.Delay(random.Next(10, 60)).ConfigureAwait(false);
            return await Ask(first).ConfigureAwait(false);
        }
    }

    private static TimeSpan Waited(InferenceResult result) => result.QueueTime + result.WaitTime;

    private static TimeSpan Computed(InferenceResult result) => result.FirstTokenTime - Waited(result);
}
