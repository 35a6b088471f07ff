namespace VAI.Bench.Parts;

/// <summary>Many sessions of one model against one, in pairs.</summary>
internal static class BatchPart
{
    private const int Many = PipelineBenchmarkOptions.BatchSessions;

    public static async Task<BatchResult> RunAsync(Subject subject, PipelineBenchmarkOptions options, Action<int, int> step)
    {
        var many = new List<double>();
        var one = new List<double>();
        await Rounds.RunAsync(options.Rounds, step, async i =>
        {
            foreach (bool all in i % 2 == 0 ? (bool[])[true, false] : [false, true])
                (all ? many : one).Add((await Group.RunAsync([subject], all ? Many : 1, options).ConfigureAwait(false)).TokensPerSecond);
            return many[^1];
        }, many, one).ConfigureAwait(false);

        return new BatchResult(
            Many, Statistics.Median(many), Statistics.Median(one), Statistics.Median(many.Zip(one, (m, o) => m / o)));
    }
}
