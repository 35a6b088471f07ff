using VAI.Pipeline.Compute;

namespace VAI.Core.Tests.Pipeline.Compute;

/// <summary>How many threads are taken, on a machine whose kernel is fair and keeps exact books.</summary>
public sealed class ThreadGovernorTests
{
    [Theory]
    [InlineData(2, 2, 1, 1)]
    [InlineData(2, 2, 2, 1)]
    [InlineData(2, 2, 40, 1)]
    [InlineData(4, 4, 1, 3)]
    [InlineData(4, 4, 2, 2)]
    [InlineData(16, 16, 1, 15)]
    [InlineData(16, 16, 4, 12)]
    [InlineData(8, 16, 4, 8)]
    [InlineData(8, 16, 12, 4)]
    [InlineData(64, 64, 1, 63)]
    public void Cores_that_others_use_are_left_to_them_and_taken_back(int most, int cores, int others, int left)
    {
        var machine = new Machine(cores) { Step = 2_500_000 };
        var governor = new ThreadGovernor(most, cores, machine, machine.Now);
        machine.Run(governor, 100_000_000);
        Assert.Equal(most, governor.Threads);

        machine.Others = others;
        machine.Run(governor, 1_500_000_000);
        Assert.Equal(left, governor.Threads);
        Assert.Equal(left, machine.Settled(governor, 1_000_000_000));

        machine.Others = 0;
        machine.Run(governor, 1_000_000_000);
        Assert.Equal(most, governor.Threads);
    }

    /// <summary>A step's threads that are too many lose a whole turn of the kernel's clock at every operation: they must not be tried often.</summary>
    [Fact]
    public void Beside_a_busy_thread_most_steps_are_computed_by_those_that_have_a_core()
    {
        var machine = new Machine(2) { Step = 2_500_000, Others = 1 };
        var governor = new ThreadGovernor(2, 2, machine, machine.Now);
        machine.Run(governor, 100_000_000);
        (long all, long with) = machine.Count(governor, 10_000_000_000, threads => threads == 1);
        Assert.InRange((double)with / all, 0.97, 1);
    }

    [Fact]
    public void A_step_that_is_long_counts_alone()
    {
        var machine = new Machine(2) { Step = 400_000_000, Others = 2 };
        var governor = new ThreadGovernor(2, 2, machine, machine.Now);
        machine.Step1(governor);
        Assert.Equal(1, governor.Threads);
    }

    [Fact]
    public void What_is_computed_now_and_then_finds_the_cores_as_they_are()
    {
        var machine = new Machine(2) { Step = 30_000_000, Others = 1 };
        var governor = new ThreadGovernor(2, 2, machine, machine.Now);
        machine.Step1(governor);
        Assert.Equal(1, governor.Threads);

        // Others go while nothing is computed.
        machine.Others = 0;
        governor.Sleep(machine.Now);
        machine.Rest(2_000_000_000);
        machine.Step1(governor);
        Assert.Equal(2, governor.Threads);

        // And what the threads waited for in the meantime is not held against them.
        governor.Sleep(machine.Now);
        machine.Wait(50_000_000);
        machine.Step1(governor);
        Assert.Equal(2, governor.Threads);
    }

    /// <summary>A first step, that of a long prompt, would have all the threads for seconds.</summary>
    [Theory]
    [InlineData(2, 1, 0, 1)]
    [InlineData(2, 3, 0, 1)]
    [InlineData(16, 4, 0, 12)]
    [InlineData(2, 1, 1, 2)]
    public void Who_came_while_nothing_was_computed_is_seen_before_the_first_step(int cores, int others, int own, int threads)
    {
        var machine = new Machine(cores) { Step = 400_000_000, Others = others, OwnOthers = own };
        var governor = new ThreadGovernor(cores, cores, machine, machine.Now);

        // While it was loaded.
        machine.Rest(500_000_000);
        governor.Begin(machine.Now);
        Assert.Equal(threads, governor.Threads);

        // And between two requests.
        (machine.Others, machine.OwnOthers) = (0, 0);
        governor.Sleep(machine.Now);
        machine.Rest(1_000_000_000);
        governor.Begin(machine.Now);
        Assert.Equal(cores, governor.Threads);
        (machine.Others, machine.OwnOthers) = (others, own);
        governor.Sleep(machine.Now);
        machine.Rest(1_000_000_000);
        governor.Begin(machine.Now);
        Assert.Equal(threads, governor.Threads);
    }

    /// <summary>Another process computed, whose turn ends when this one's begins: its cores are free then.</summary>
    [Fact]
    public void Who_takes_turns_is_not_somebody_else()
    {
        var machine = new Machine(2) { Step = 2_500_000, Others = 2 };
        var governor = new ThreadGovernor(2, 2, machine, machine.Now);
        machine.Rest(500_000_000);
        governor.Yield(machine.Now);
        machine.Rest(20_000_000);
        governor.Begin(machine.Now);
        Assert.Equal(2, governor.Threads);
    }

    /// <summary>A quota stops all threads at once: fewer would be stopped less often, and no faster.</summary>
    [Fact]
    public void A_quota_is_not_somebody_else()
    {
        var machine = new Machine(2) { Step = 2_500_000, Others = 1, IsThrottled = true };
        var governor = new ThreadGovernor(2, 2, machine, machine.Now);
        machine.Run(governor, 1_000_000_000);
        Assert.Equal(2, governor.Threads);
    }

    [Fact]
    public void A_kernel_that_does_not_count_changes_nothing()
    {
        var machine = new Machine(2) { Step = 2_500_000, Others = 3, Counts = false };
        var governor = new ThreadGovernor(2, 2, machine, machine.Now);
        machine.Run(governor, 1_000_000_000);
        Assert.Equal(2, governor.Threads);
    }

    /// <summary>Cores that everybody shares fairly; a step takes as long with whatever threads.</summary>
    private sealed class Machine(int cores) : ICoreTimes
    {
        private double _waited;
        private double _idle = 1;
        private double _own;
        private long _now = 1;

        public long Now => _now;

        /// <summary>Threads of others that are busy.</summary>
        public int Others { get; set; }

        /// <summary>How many of them are this process's.</summary>
        public int OwnOthers { get; set; }

        public long Own => (long)_own;

        public required long Step { get; init; }

        public bool IsThrottled { get; init; }

        public bool Counts { get; init; } = true;

        public long Idle => Counts ? (long)_idle : 0;

        public long Throttled => IsThrottled ? _now : 0;

        public long Waited(int threads) => Counts ? (long)_waited : 0;

        public void Run(ThreadGovernor governor, long time) => Count(governor, time, _ => true);

        /// <summary>The number of threads that most steps have.</summary>
        public int Settled(ThreadGovernor governor, long time)
        {
            var steps = new Dictionary<int, int>();
            Count(governor, time, t => (steps[t] = steps.GetValueOrDefault(t) + 1) > 0);
            return steps.MaxBy(s => s.Value).Key;
        }

        public (long All, long With) Count(ThreadGovernor governor, long time, Func<int, bool> counts)
        {
            long all = 0, with = 0;
            for (long end = _now + time; _now < end; all++)
            {
                with += counts(governor.Threads) ? 1 : 0;
                Step1(governor);
            }

            return (all, with);
        }

        public void Step1(ThreadGovernor governor)
        {
            governor.Begin(_now);
            long start = _now;
            int threads = governor.Threads;
            Pass(Step, threads);
            governor.End(start, _now);
        }

        public void Rest(long time) => Pass(time, 0);

        /// <summary>The threads are woken for nothing that counts.</summary>
        public void Wait(long time)
        {
            _waited += time;
            Pass(time, 0);
        }

        private void Pass(long time, int threads)
        {
            int ready = threads + Others;
            _waited += ready > cores ? time * (threads - ((double)threads * cores / ready)) : 0;
            _idle += (double)time * Math.Max(0, cores - ready);
            _own += (double)time * (threads + OwnOthers) * Math.Min(1, (double)cores / Math.Max(1, ready));
            _now += time;
        }
    }
}
