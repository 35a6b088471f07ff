using System.Diagnostics;
using VAI.Native.Abi;

namespace VAI.Native.Tests.Llama;

/// <summary>Steps on whichever threads, and those that are ended.</summary>
public sealed class StepTests(NativeFixture fixture) : IClassFixture<NativeFixture>
{
    private static readonly LlamaContextSettings Two = NativeFixture.Small with { Threads = 2 };

    [Fact]
    public void A_step_that_is_late_ends_and_computes_the_same_when_it_is_made_again()
    {
        using var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        using var context = new LlamaContext(model, Two);
        using var pool = new LlamaThreadpool(2);
        context.Attach(pool);
        float[] whole = Step(0);
        Assert.False(context.WasLate);

        context.ClearAbort(deadline: Stopwatch.GetTimestamp());
        Assert.Equal(DecodeStatus.Aborted, Add(0));
        Assert.True(context.WasLate);
        Assert.True(context.CanRepeat);
        Assert.Equal(whole, Step(0));
        Assert.False(context.WasLate);
        Step(1);

        context.ClearAbort();
        context.RequestAbort();
        Assert.Equal(DecodeStatus.Aborted, Add(2));
        Assert.False(context.WasLate);

        float[] Step(int position)
        {
            context.ClearAbort(deadline: long.MaxValue);
            Assert.Equal(DecodeStatus.Ok, Add(position));
            return context.Logits(0).ToArray();
        }

        DecodeStatus Add(int position)
        {
            Assert.True(context.Truncate(0, position));
            context.Batch.Clear();
            context.Batch.Add(1, position, 0, logits: true);
            return context.Decode();
        }
    }

    [Fact]
    public void A_step_that_was_told_to_end_is_no_error_in_the_log()
    {
        using var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        using var context = new LlamaContext(model, Two);
        int thread = Environment.CurrentManagedThreadId;
        var lines = new List<(NativeLogLevel Level, string Text)>();
        void Collect(NativeLogLevel level, string line)
        {
            if (Environment.CurrentManagedThreadId == thread)
                lines.Add((level, line));
        }

        NativeLog.Line += Collect;
        try
        {
            context.RequestAbort();
            context.Batch.Add(1, 0, 0, logits: true);
            Assert.Equal(DecodeStatus.Aborted, context.Decode());
        }
        finally
        {
            NativeLog.Line -= Collect;
        }

        Assert.Contains(lines, l => l.Text.Contains("llama_decode", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Level is NativeLogLevel.Warning or NativeLogLevel.Error);
    }

    [Fact]
    public void Threads_of_a_set_are_known_and_may_change_between_steps()
    {
        using var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        using var context = new LlamaContext(model, Two);
        using var one = new LlamaThreadpool(1);
        using var two = new LlamaThreadpool(2);
        using var three = new LlamaThreadpool(3);
        Assert.Empty(one.Workers);
        Assert.Single(two.Workers);
        Assert.Equal(2, three.Workers.Count);
        Assert.Empty(two.Workers.Intersect(three.Workers));
        foreach (uint thread in three.Workers)
            Assert.Equal("vai-compute", File.ReadAllText($"/proc/self/task/{thread}/comm").Trim());
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Attach(three));

        LlamaThreadpool[] turns = [two, one, two, one];
        for (int i = 0; i < turns.Length; i++)
        {
            context.Attach(turns[i]);
            Assert.Equal(turns[i].Threads, context.Threads);
            context.Batch.Clear();
            context.Batch.Add(1, i, 0, logits: true);
            Assert.Equal(DecodeStatus.Ok, context.Decode());
        }
    }
}
