using FsCheck.Xunit;
using VAI.Pipeline.Steps;
using VAI.Sram;

namespace VAI.Core.Tests.Sram;

/// <summary>Why no more of a prompt was reused, and where that ended.</summary>
public sealed class ReuseBreakTests(ForgedModels models) : EngineTest(models)
{
    private static readonly int[] Long = [.. Enumerable.Range(0, 600).Select(t => 3 + (t % 700))];

    [Fact]
    public async Task What_is_held_is_nothing_goes_on_otherwise_or_is_shorter()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        int[] prompt = [.. await model.TokenizeAsync("A latch is transparent while its gate is open. An old sentence.")];
        int[] other = [.. await model.TokenizeAsync("A latch is transparent while its gate is open. Gate or no gate, this is new.")];
        int common = prompt.AsSpan().CommonPrefixLength(other);
        Assert.InRange(common, 8, Math.Min(prompt.Length, other.Length) - 1);
        await using IInferenceSession session = model.OpenSession();
        Assert.Equal(new ReuseBreak(0, ReuseBreakReason.NothingHeld), (await ReadAsync(session.InferAsync(prompt, Greedy(4)))).Result!.ReuseBreak);

        InferenceResult differs = await BeginAsync(model, other);
        Assert.Equal((common, common, ReuseBreakReason.Differs), (differs.ReusedTokens, differs.ReuseBreak!.Position, differs.ReuseBreak.Reason));
        string before = await model.DetokenizeAsync(other[..common], special: true), after = await model.DetokenizeAsync(other[common..], special: true);
        Assert.Equal(before[^40..], differs.ReuseBreak.Before);
        Assert.StartsWith(differs.ReuseBreak.After!, after, StringComparison.Ordinal);
        Assert.InRange(differs.ReuseBreak.After!.Length, 1, 40);

        // All of it again, and a conversation that goes on.
        Assert.Null((await BeginAsync(model, other)).ReuseBreak);
        int held = session.TokenCount - 1;
        Assert.Equal(new ReuseBreak(held, ReuseBreakReason.Shorter), (await ReadAsync(session.InferAsync(prompt[1..], Greedy(1)))).Result!.ReuseBreak);
    }

    [Fact]
    public async Task What_is_held_may_be_wanted_anew()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ContextLength = 1024);
        await using IVai _ = vai;
        await BeginAsync(model, Long);
        InferenceResult asked = await BeginAsync(model, Long, Greedy(1) with { LogProbabilities = 0, PromptLogProbabilities = true });
        Assert.Equal(new ReuseBreak(asked.ReusedTokens, ReuseBreakReason.NotKept), asked.ReuseBreak);
        Assert.True(asked.ReusedTokens < Long.Length - 1);
    }

    [Fact]
    public async Task A_window_that_has_passed_is_not_kept()
    {
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny-gemma3"], m => (m.ContextLength, m.SramTokens, m.Profile) = (1024, 2048, RomProfile.Exact));
        await using IVai _ = vai;
        await BeginAsync(model, Long);
        InferenceResult shorter = await BeginAsync(model, [.. Long[..300], 5, 6]);
        Assert.Equal(0, shorter.ReusedTokens);
        Assert.Equal(new ReuseBreak(0, ReuseBreakReason.NotKept), shorter.ReuseBreak);
    }

    [Fact]
    public async Task Exact_steps_are_reused_whole()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => (m.ContextLength, m.SramTokens, m.Profile) = (256, 1024, RomProfile.Exact));
        await using IVai _ = vai;
        int[] prompt = Long[..70];
        await BeginAsync(model, prompt, Greedy(1));
        InferenceResult differs = await BeginAsync(model, [.. prompt[..50], 5, 6]);
        Assert.Equal((32, 50, ReuseBreakReason.Differs), (differs.ReusedTokens, differs.ReuseBreak!.Position, differs.ReuseBreak.Reason));
        Assert.Equal(new ReuseBreak(64, ReuseBreakReason.NotKept), (await BeginAsync(model, [.. prompt, 5, 6])).ReuseBreak);
    }

    [Fact]
    public async Task Of_what_others_computed_nothing_is_told()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ContextLength = 1024);
        await using IVai _ = vai;
        await BeginAsync(model, Long);
        PrefixTag.Current = "another";
        Assert.Equal(new ReuseBreak(0, ReuseBreakReason.NothingHeld), (await BeginAsync(model, [.. Long[..300], 5, 6])).ReuseBreak);
    }

    /// <summary>Whatever is held: up to the place all tokens are the same, and there they differ, if it says so.</summary>
    [Property(MaxTest = 500)]
    public void What_is_said_of_the_place_is_so(int seed)
    {
        var random = new Random(seed);
        var schedule = new Schedule(Exact: random.Next(2) == 0);
        int[] log = Log(), held = [.. log[..random.Next(log.Length + 1)], .. Log()];
        if (!schedule.Exact)
            (log, held) = ([.. log.Select(Schedule.Id)], [.. held.Select(Schedule.Id)]);
        int reused = schedule.Reusable(log, held);
        int same = log.Select(Schedule.Id).ToArray().AsSpan().CommonPrefixLength(held.Select(Schedule.Id).ToArray());
        NearestKv nearest = default(NearestKv).Or(log, held);
        Assert.Equal(same, nearest.Same);
        Assert.Equal(nearest, nearest.Or(log, held.AsSpan(0, random.Next(held.Length))));
        ReuseBreak? broke = nearest.Break(schedule, log, reused);
        Assert.Equal(reused >= log.Length - 1, broke is null);
        if (broke is null)
            return;
        Assert.InRange(broke.Position, reused, Math.Min(same, reused + Schedule.Chunk - 1));
        Assert.Equal(broke.Reason == ReuseBreakReason.NothingHeld, same == 0);
        if (broke.Reason == ReuseBreakReason.Differs)
            Assert.NotEqual(Schedule.Id(log[broke.Position]), Schedule.Id(held[broke.Position]));
        else
            Assert.Equal(reused, broke.Position);
        if (broke.Reason == ReuseBreakReason.Shorter)
            Assert.Equal(held.Length, broke.Position);

        int[] Log() => [.. Enumerable.Range(0, random.Next(1, 100)).Select(_ => random.Next(4) == 0 ? ~random.Next(3) : random.Next(3))];
    }

    // Of several tokens: what is said is of the prompt, and not of the answer.
    private static async Task<InferenceResult> BeginAsync(IModelContext model, int[] prompt, InferenceOptions? options = null)
    {
        await using IInferenceSession session = model.OpenSession();
        return (await ReadAsync(session.InferAsync(prompt, options ?? Greedy(3)))).Result!;
    }
}
