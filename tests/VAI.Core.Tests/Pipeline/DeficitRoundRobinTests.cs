using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using VAI.Pipeline;

namespace VAI.Core.Tests.Pipeline;

public sealed class DeficitRoundRobinTests
{
    private const int Quantum = 10;
    private const int MaxCost = 500;
    private const int Steps = 3000;

    /// <summary>The bound of <see cref="DeficitRoundRobin{T}"/>'s remarks, over random members, weights, costs and idle times.</summary>
    [Property(MaxTest = 200)]
    public Property Nobody_waits_longer_than_the_bound(int seed)
    {
        var random = new Random(seed);
        Member[] members = [.. Enumerable.Range(0, 1 + random.Next(6)).Select(_ => new Member(1 << random.Next(3), random.Next(2) == 0))];
        var turns = new DeficitRoundRobin<Member>(Quantum);
        foreach (Member member in members)
            turns.Add(member);
        long lap = members.Sum(m => (Quantum * m.Weight) + MaxCost);
        for (int i = 0; i < Steps; i++)
        {
            foreach (Member member in members)
                member.Toggle(random);
            Member? next = turns.Next();
            if (next is null)
            {
                foreach (Member member in members)
                    member.Waited = 0;
                continue;
            }

            if (!next.IsReady)
                return false.Label("a member that was not ready got a turn");
            long cost = 1 + random.Next(next.Heavy ? MaxCost : 20);
            turns.Charge(cost);
            foreach (Member member in members)
                member.Waited = member == next || !member.IsReady ? 0 : member.Waited + cost;
            foreach (Member member in members)
            {
                long laps = (MaxCost / (Quantum * member.Weight)) + 2;
                if (member.Waited > laps * lap)
                    return false.Label($"seed {seed}: a member of weight {member.Weight} waited {member.Waited}, the bound is {laps * lap}");
            }
        }

        return true.ToProperty();
    }

    [Fact]
    public void Members_that_are_always_ready_share_by_weight()
    {
        var random = new Random(1);
        var turns = new DeficitRoundRobin<Member>(Quantum);
        Member[] members = [new(1, true), new(2, false), new(4, true)];
        foreach (Member member in members)
            turns.Add(member);
        for (int i = 0; i < 100_000; i++)
        {
            Member next = turns.Next()!;
            long cost = 1 + random.Next(next.Heavy ? MaxCost : 20);
            turns.Charge(cost);
            next.Served += cost;
        }

        double total = members.Sum(m => m.Served);
        foreach (Member member in members)
            Assert.Equal(member.Weight / 7.0, member.Served / total, 0.01);
    }

    [Fact]
    public void Nobody_ready_is_nobodys_turn_and_a_member_can_leave()
    {
        var turns = new DeficitRoundRobin<Member>(Quantum);
        Assert.Null(turns.Next());
        var a = new Member(1, false);
        var b = new Member(1, false);
        turns.Add(a);
        turns.Add(b);
        Assert.NotNull(turns.Next());
        turns.Remove(a);
        Assert.Same(b, turns.Next());
        b.IsReady = false;
        Assert.Null(turns.Next());
    }

    private sealed class Member(int weight, bool heavy) : ITurn
    {
        public bool IsReady { get; set; } = true;

        public int Weight => weight;

        public bool Heavy => heavy;

        public long Waited { get; set; }

        public long Served { get; set; }

        public void Toggle(Random random)
        {
            if (random.Next(50) == 0)
                IsReady = !IsReady;
        }
    }
}
