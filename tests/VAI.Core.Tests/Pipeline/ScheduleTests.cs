using FsCheck.Xunit;
using VAI.Pipeline.Steps;

namespace VAI.Core.Tests.Pipeline;

public sealed class ScheduleTests
{
    private static readonly Schedule Exact = new(Exact: true);

    [Fact]
    public void Prompts_are_cut_at_multiples_of_the_chunk_and_generated_tokens_stand_alone()
    {
        int[] log = [.. Enumerable.Repeat(7, 40), .. Enumerable.Repeat(~7, 2), .. Enumerable.Repeat(7, 30)];
        Assert.Equal([32, 8, 1, 1, 22, 8], Steps(log));
        Assert.Equal([50, 22], Steps(log, exact: false));
    }

    /// <summary>Steps from any reusable place on are those of the whole log: whatever is reused was cut in the same places.</summary>
    [Property(MaxTest = 500)]
    public void What_is_reused_is_where_a_step_begins_in_both(int seed)
    {
        var random = new Random(seed);
        int[] log = Log(random, []);
        int[] other = Log(random, log[..random.Next(log.Length + 1)]);

        // A line holds whole steps of its own log.
        List<int> boundaries = Boundaries(other);
        int[] computed = other[..boundaries[random.Next(boundaries.Count)]];
        int reused = Exact.Reusable(log, computed);
        Assert.True(reused < log.Length);
        Assert.True(log.AsSpan(0, reused).SequenceEqual(computed.AsSpan(0, reused)));
        Assert.Contains(reused, Boundaries(log));
        Assert.Contains(reused, boundaries);
        int common = log.AsSpan().CommonPrefixLength(computed);
        Assert.Equal(Math.Min(common, log.Length - 1), new Schedule(Exact: false).Reusable(log, computed));
        Assert.True(reused > Math.Min(common, log.Length - 1) - Schedule.Chunk, $"{reused} of {common} are reused");
    }

    [Fact]
    public void What_a_window_leaves_behind_is_not_copied()
    {
        Assert.True(new Schedule(Exact: true, Window: 256).CanCopy(255));
        Assert.False(new Schedule(Exact: true, Window: 256).CanCopy(256));
        Assert.True(new Schedule(Exact: true, Window: 0).CanCopy(256));
        Assert.True(new Schedule(Exact: false, Window: 256).CanCopy(256));
    }

    private static List<int> Boundaries(int[] log)
    {
        List<int> boundaries = [0];
        foreach (int step in Steps(log))
            boundaries.Add(boundaries[^1] + step);
        return boundaries;
    }

    private static List<int> Steps(int[] log, bool exact = true)
    {
        List<int> steps = [];
        for (int at = 0; at < log.Length; at += steps[^1])
            steps.Add(new Schedule(exact).Step(log, at, 50));
        return steps;
    }

    // Prompts and answers in turn, as sessions have them: it ends with a prompt, whose answer is to come, or in an answer.
    private static int[] Log(Random random, int[] beginning)
    {
        List<int> log = [.. beginning];
        bool generated = log.Count > 0 && log[^1] >= 0 && random.Next(2) == 0;
        for (int i = 0; i < 1 + random.Next(5) || log.Count == 0; i++)
        {
            int length = 1 + random.Next(generated ? 6 : 80);
            log.AddRange(Enumerable.Range(0, length).Select(_ => generated ? ~random.Next(3) : random.Next(3)));
            generated = !generated;
        }

        return [.. log];
    }
}
