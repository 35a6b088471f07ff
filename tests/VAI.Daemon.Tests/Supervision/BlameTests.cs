using VAI.Daemon.Supervision;
using VAI.Daemon.Supervision.Failures;
using VAI.Daemon.Supervision.Link;

namespace VAI.Daemon.Tests.Supervision;

/// <summary>Who is blamed for an engine's end, how long the next one waits, and when there is no next one.</summary>
public sealed class BlameTests
{
    [Fact]
    public void A_request_that_was_at_two_deaths_is_suspected_and_nobody_else()
    {
        var blame = new Blame();
        Request poison = new("a"), innocent = new("a"), other = new("b");
        Die(blame, poison, innocent);
        Assert.Equal(Verdict.Innocent, blame.Judge(poison));
        Die(blame, poison, other);
        Assert.Equal([Verdict.Suspect, Verdict.Innocent, Verdict.Innocent], new[] { poison, innocent, other }.Select(blame.Judge));
        Assert.False(blame.IsQuarantined("a"));
        blame.Died([new Asked(poison)], isolated: true);
        Assert.Equal(Verdict.Guilty, blame.Judge(poison));
    }

    [Fact]
    public void Who_came_further_between_two_deaths_goes_on_but_not_for_ever()
    {
        var blame = new Blame();
        var request = new Request("a");
        for (int death = 1; death < 4; death++)
        {
            request.Progress += Blame.ClearProgress;
            Die(blame, request);
            Assert.Equal(Verdict.Innocent, blame.Judge(request));
        }

        request.Progress += Blame.ClearProgress;
        Die(blame, request);
        Assert.Equal(Verdict.Suspect, blame.Judge(request));
        Assert.False(blame.IsCleared(request));
        request.Progress += Blame.ClearProgress;
        Assert.True(blame.IsCleared(request));
        blame.Clear(request);
        Assert.Equal(Verdict.Innocent, blame.Judge(request));
    }

    [Fact]
    public void Three_loads_in_a_row_that_end_the_engine_quarantine_their_model_until_one_succeeds()
    {
        var blame = new Blame();
        Assert.Empty(blame.Died([new Asked(null, "a")], isolated: false));
        Assert.Empty(blame.Died([new Asked(null, "a"), new Asked(null, "b")], isolated: false));
        blame.Loaded("b");
        Assert.Equal(["a"], blame.Died([new Asked(null, "a")], isolated: false));
        Assert.Empty(blame.Died([new Asked(null, "a"), new Asked(null, "b")], isolated: false));
        Assert.True(blame.IsQuarantined("a"));
        Assert.False(blame.IsQuarantined("b"));
        blame.Loaded("a");
        Assert.False(blame.IsQuarantined("a"));
        blame.Died([new Asked(null, "a")], isolated: false);
        blame.Died([new Asked(null, "a")], isolated: false);
        Assert.False(blame.IsQuarantined("a"));
    }

    [Fact]
    public void Engines_that_end_at_once_are_started_ever_later()
    {
        var backoff = new Backoff();
        Assert.Equal([0, 0.1, 0.2, 0.4, 0.8, 1, 1], Enumerable.Range(0, 7).Select(_ => backoff.Next(TimeSpan.Zero).TotalSeconds));
        Assert.Equal(0, backoff.Next(Backoff.Healthy).TotalSeconds);
        Assert.Equal(0, backoff.Next(TimeSpan.Zero).TotalSeconds);
        Assert.Equal(0.1, backoff.Next(TimeSpan.Zero).TotalSeconds);
    }

    [Fact]
    public void So_many_engines_of_no_use_within_the_time_are_too_many()
    {
        var clock = new Clock();
        var options = new SupervisionOptions { Failures = 3 };
        var budget = new FailureBudget(options, clock);
        Assert.True(budget.Spend(TimeSpan.Zero, 0));
        Assert.True(budget.Spend(TimeSpan.Zero, 0));
        Assert.True(budget.Spend(TimeSpan.Zero, answered: 1));
        Assert.True(budget.Spend(TimeSpan.Zero, 0));
        Assert.True(budget.Spend(options.Service, 0));
        Assert.True(budget.Spend(TimeSpan.Zero, 0));
        clock.Now += options.FailureWindow + TimeSpan.FromSeconds(1);
        Assert.True(budget.Spend(TimeSpan.Zero, 0));
        Assert.True(budget.Spend(TimeSpan.Zero, 0));
        Assert.False(budget.Spend(TimeSpan.Zero, 0));
    }

    [Fact]
    public void Of_models_that_load_side_by_side_all_are_suspects_until_each_is_loaded_by_itself()
    {
        var blame = new Blame();
        Assert.False(blame.DiedLoading);
        Assert.Empty(blame.Died([new Asked(null, "a", "b", "c")], isolated: false));
        Assert.True(blame.DiedLoading);

        // One after the other then.
        blame.Loaded("a");
        Assert.Empty(blame.Died([new Asked(null, "b")], isolated: false));
        blame.Loaded("a");
        Assert.Equal(["b"], blame.Died([new Asked(null, "b")], isolated: false));
        blame.Loaded("a");
        blame.Loaded("c");
        Assert.False(blame.IsQuarantined("a") || blame.IsQuarantined("c"));
    }

    private static void Die(Blame blame, params Request[] there) => blame.Died([.. there.Select(r => new Asked(r))], isolated: false);

    private sealed class Asked(Request? request, params string[] loading) : Exchange(null!, 1, request)
    {
        public override bool IsPrompt => false;

        public override IReadOnlyList<string> Loading => loading;

        public override bool Take(LinkKind kind, ReadOnlySpan<byte> payload) => true;

        public override void Lose(LinkEndedException reason)
        {
        }
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
