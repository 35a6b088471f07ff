using System.Diagnostics;

namespace VAI.Bench.Parts;

/// <summary>One session against the bare loop on the same weights, in pairs.</summary>
internal static class SinglePart
{
    private const int Tries = 32;

    // Two thread pools disturb each other until the idle one sleeps, about 100 ms after its use.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public static async Task<SingleResult> RunAsync(Subject subject, PipelineBenchmarkOptions options, Action<int, int> step)
    {
        var through = new List<double>();
        var bare = new List<double>();
        using var loop = new BareLoop(subject.Context.Model, subject.Context.Llama.Settings);

        // The same one throughout: what closed sessions leave in a bank as caches makes its attention longer.
        await using IInferenceSession session = subject.Model.OpenSession();
        int[] output = new int[options.Tokens];
        int[] prompt = Enduring(subject, loop, options.PromptTokens, output);
        await Rounds.RunAsync(options.Rounds, step, async i =>
        {
            double first = i % 2 == 0 ? await Through().ConfigureAwait(false) : await Bare().ConfigureAwait(false);
            double second = i % 2 == 0 ? await Bare().ConfigureAwait(false) : await Through().ConfigureAwait(false);
            through.Add(i % 2 == 0 ? first : second);
            bare.Add(i % 2 == 0 ? second : first);
            return through[^1];
        }, through, bare).ConfigureAwait(false);

        return new SingleResult(
            Statistics.Median(through.Zip(bare, (t, b) => t / b)), Statistics.Median(through), Statistics.Median(bare), output.Length);

        async Task<double> Through()
        {
            await Task.Delay(Pause).ConfigureAwait(false);
            InferenceResult result = await subject.AskGreedilyAsync(session, prompt, output.Length).ConfigureAwait(false);
            return result.TokensPerSecond;
        }

        async Task<double> Bare()
        {
            await Task.Delay(Pause).ConfigureAwait(false);
            int count = loop.Generate(prompt, output);
            return (count - 1) / Stopwatch.GetElapsedTime(loop.FirstToken).TotalSeconds;
        }
    }

    // The bare loop samples as plainly as it can, so that nothing bans an early end: look for a prompt without one.
    private static int[] Enduring(Subject subject, BareLoop loop, int length, int[] output)
    {
        for (int i = 0; i < Tries; i++)
        {
            int[] prompt = subject.Prompt(length);
            if (loop.Generate(prompt, output) == output.Length)
                return prompt;
        }

        throw new VaiEngineException(
            VaiError.NativeFailure, $"'{subject.Name}' ends {Tries} of {Tries} answers before {output.Length} tokens. Measure with fewer tokens.");
    }
}
