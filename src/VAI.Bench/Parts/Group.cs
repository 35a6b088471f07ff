using System.Diagnostics;

namespace VAI.Bench.Parts;

/// <summary>Sessions that run at once, and what they came to.</summary>
/// <param name="Elapsed">From the first prompt to the last token.</param>
/// <param name="Results">Each model's sessions, in the order given.</param>
/// <param name="Steps">Each model's steps while all of them had work.</param>
internal sealed record Group(TimeSpan Elapsed, InferenceResult[][] Results, StepTotals[] Steps)
{
    public int Tokens => Results.Sum(r => r.Sum(s => s.GeneratedTokens));

    public double TokensPerSecond => Tokens / Elapsed.TotalSeconds;

    /// <summary>Runs so many sessions of each model at once, each with a prompt of its own.</summary>
    public static async Task<Group> RunAsync(
        IReadOnlyList<Subject> subjects, int sessions, PipelineBenchmarkOptions options, StepMeter? meter = null)
    {
        int[][][] prompts = [.. subjects.Select(s => (int[][])[.. Enumerable.Range(0, sessions).Select(_ => s.Prompt(options.PromptTokens))])];
        IReadOnlyDictionary<string, StepTotals>? steps = null;
        meter?.Start();
        long start = Stopwatch.GetTimestamp();
        InferenceResult[][] results = await Task.WhenAll(subjects.Select(Run)).ConfigureAwait(false);
        return new Group(
            Stopwatch.GetElapsedTime(start),
            results,
            [.. subjects.Select(s => steps?.GetValueOrDefault(s.Name) ?? new StepTotals())]);

        async Task<InferenceResult[]> Run(Subject subject, int index)
        {
            InferenceResult[] own = await Task.WhenAll(prompts[index].Select(p => subject.AskAsync(p, options.Tokens))).ConfigureAwait(false);

            // From here on the others have more than their share.
            if (meter?.Stop() is { } measured)
                steps = measured;
            return own;
        }
    }
}
