using System.Diagnostics;
using VAI.Pipeline.Jobs;

namespace VAI.Core.Tests.Pipeline;

public sealed class JobTimesTests(ForgedModels models) : EngineTest(models)
{
    public static TheoryData<TimeSpan?, long> Times() => new()
    {
        { null, long.MaxValue },
        { Timeout.InfiniteTimeSpan, long.MaxValue },
        { TimeSpan.MaxValue, long.MaxValue },
        { TimeSpan.Zero, 0 },
        { TimeSpan.FromSeconds(3), 3 * Stopwatch.Frequency },
        { TimeSpan.FromDays(3650), 3650L * 24 * 3600 * Stopwatch.Frequency },
    };

    [Theory]
    [MemberData(nameof(Times))]
    public void What_lies_beyond_the_clock_is_never(TimeSpan? span, long ticks)
    {
        long start = Stopwatch.GetTimestamp();
        var times = JobTimes.From(start, SessionPriority.Normal, span, span);
        long expected = ticks == long.MaxValue ? ticks : start + ticks;
        Assert.Equal((expected, expected), (times.Deadline, times.WaitsUntil));
        Assert.Equal(Math.Min(expected, start + (30 * Stopwatch.Frequency)), times.Due);
    }

    [Fact]
    public async Task A_time_that_never_comes_is_none_and_one_before_the_start_is_refused()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        foreach (TimeSpan never in (TimeSpan[])[TimeSpan.MaxValue, Timeout.InfiniteTimeSpan, TimeSpan.FromDays(100_000)])
        {
            Response response = await ReadAsync(session.InferAsync(Prompt, Greedy(3) with { Deadline = never, SramWait = never }));
            Assert.Equal((3, FinishReason.MaxTokens), (response.Tokens.Count, response.Result!.FinishReason));
        }

        foreach (TimeSpan before in (TimeSpan[])[TimeSpan.MinValue, TimeSpan.FromTicks(-1), TimeSpan.FromSeconds(-1)])
        {
            await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => ReadAsync(session.InferAsync(Prompt, Greedy(3) with { Deadline = before })));
            await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => ReadAsync(session.InferAsync(Prompt, Greedy(3) with { SramWait = before })));
        }
    }
}
