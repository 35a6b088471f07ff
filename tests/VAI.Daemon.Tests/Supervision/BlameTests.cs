using VAI.Daemon.Supervision;

namespace VAI.Daemon.Tests.Supervision;

/// <summary>Who is quarantined, and how long the next engine waits.</summary>
public sealed class BlameTests
{
    [Fact]
    public void Three_deaths_with_one_model_active_quarantine_it()
    {
        var blame = new Blame(new Clock());
        Die(blame, "a");
        Die(blame, "a", "a");
        Assert.Empty(blame.Judge());
        Die(blame, "a");
        Assert.Equal(["a"], blame.Judge());
        Assert.Empty(blame.Judge());
        Assert.True(blame.IsQuarantined("a"));
        Assert.False(blame.IsQuarantined("b"));
        blame.Forgive("a");
        Assert.False(blame.IsQuarantined("a"));
        Die(blame, "a");
        Die(blame, "a");
        Assert.Empty(blame.Judge());
    }

    [Fact]
    public void Nobody_is_to_blame_where_two_were_active_or_none()
    {
        var blame = new Blame(new Clock());
        for (int i = 0; i < 10; i++)
        {
            Die(blame, "a", "b");
            Die(blame);
            Assert.Empty(blame.Judge());
        }
    }

    [Fact]
    public void A_load_counts_and_a_death_long_ago_does_not()
    {
        var clock = new Clock();
        var blame = new Blame(clock);
        blame.Died(["a"]);
        clock.Now += Blame.Window + TimeSpan.FromSeconds(1);
        blame.Died(["a"]);
        blame.Died(["a"]);
        Assert.Empty(blame.Judge());
        blame.Died(["a"]);
        Assert.Equal(["a"], blame.Judge());
    }

    [Fact]
    public void A_late_word_clears_who_was_not_alone()
    {
        var blame = new Blame(new Clock());
        Die(blame, "a");
        Die(blame, "a");
        Die(blame, "a");
        blame.Interrupted("b");
        Assert.Empty(blame.Judge());
    }

    [Fact]
    public void Engines_that_end_at_once_are_started_ever_later()
    {
        var backoff = new Backoff();
        Assert.Equal(
            [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10],
            Enumerable.Range(0, 10).Select(_ => backoff.Next(TimeSpan.Zero).TotalSeconds));
        Assert.Equal(0, backoff.Next(Backoff.Healthy).TotalSeconds);
        Assert.Equal(0, backoff.Next(TimeSpan.Zero).TotalSeconds);
        Assert.Equal(0.1, backoff.Next(TimeSpan.Zero).TotalSeconds);
    }

    private static void Die(Blame blame, params string[] interrupted)
    {
        blame.Died([]);
        foreach (string model in interrupted)
            blame.Interrupted(model);
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
