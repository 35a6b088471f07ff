using VAI.Native.Abi;

namespace VAI.Native.Tests.Llama;

/// <summary>What keeps native objects alive, and what keeps wrong numbers out.</summary>
public sealed class HandleTests(NativeFixture fixture) : IClassFixture<NativeFixture>
{
    [Fact]
    public void A_model_is_not_freed_under_a_context()
    {
        var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        var context = new LlamaContext(model, NativeFixture.Small);
        var pool = new LlamaThreadpool(1);
        context.Attach(pool);
        model.Dispose();
        pool.Dispose();
        context.Batch.Add(1, 0, 0, logits: true);
        Assert.Equal(DecodeStatus.Ok, context.Decode());
        foreach (float logit in context.Logits(0))
            Assert.True(float.IsFinite(logit), $"{logit}");
        context.Dispose();
        Assert.Throws<ObjectDisposedException>(() => context.Attach(pool));
        Assert.Throws<ObjectDisposedException>(() => model.Vocab.Tokenize("x", true, true));
    }

    [Fact]
    public void A_pool_that_rests_computes_the_next_step()
    {
        using var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        using var context = new LlamaContext(model, NativeFixture.Small with { Threads = 2 });
        using var pool = new LlamaThreadpool(2);
        context.Attach(pool);
        for (int i = 0; i < 3; i++)
        {
            pool.Rest();
            pool.Rest();
            context.Batch.Clear();
            context.Batch.Add(1, i, 0, logits: true);
            Assert.Equal(DecodeStatus.Ok, context.Decode());
        }
    }

    /// <summary>Each of these ends the process if it reaches llama.cpp (abi.md, "Calls that kill the process").</summary>
    [Fact]
    public void Numbers_that_would_kill_the_process_are_refused()
    {
        using var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        using var context = new LlamaContext(model, NativeFixture.Small);
        LlamaBatch batch = context.Batch;
        Assert.Throws<VaiUsageException>(() => context.Decode());
        Assert.Throws<VaiUsageException>(() => batch.Add(-1, 0, 0, true));
        Assert.Throws<VaiUsageException>(() => batch.Add(model.Vocab.Count, 0, 0, true));
        Assert.Throws<VaiUsageException>(() => batch.Add(0, -1, 0, true));
        Assert.Throws<VaiUsageException>(() => batch.Add(0, 0, 2, true));
        Assert.Throws<VaiUsageException>(() => batch.Add(0, 0, -1, true));
        for (int i = 0; i < batch.Capacity; i++)
            batch.Add(1, i, 0, logits: i == 3);
        Assert.Throws<VaiUsageException>(() => batch.Add(1, 8, 0, true));
        Assert.Equal(DecodeStatus.Ok, context.Decode());
        Assert.Equal(model.Vocab.Count, context.Logits(3).Length);
        Assert.Throws<VaiEngineException>(() => context.Logits(0).Length);
        Assert.Throws<VaiEngineException>(() => context.Logits(8).Length);
        Assert.Throws<VaiEngineException>(() => context.Logits(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Truncate(2, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Truncate(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Clear(-1));
        Assert.Throws<VaiUsageException>(() => model.Vocab.Piece(int.MaxValue, new byte[8], false));
        Assert.Throws<VaiUsageException>(() => model.Vocab.IsEndOfGeneration(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LlamaThreadpool(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LlamaThreadpool(100_000));
    }

    [Fact]
    public void A_sequence_can_be_cut_back_and_cleared()
    {
        using var model = LlamaModel.Load(fixture.Tiny, new LlamaModelSettings());
        using var context = new LlamaContext(model, NativeFixture.Small);
        for (int i = 0; i < 6; i++)
            context.Batch.Add(1, i, 1, logits: false);
        Assert.Equal(DecodeStatus.Ok, context.Decode());
        Assert.Equal(5, context.LastPosition(1));
        Assert.True(context.Truncate(1, 2));
        Assert.Equal(1, context.LastPosition(1));
        context.Clear(1);
        Assert.Equal(-1, context.LastPosition(1));
    }

    [Fact]
    public void The_native_log_comes_out_in_whole_lines()
    {
        var lines = new List<string>();
        void Collect(NativeLogLevel level, string line)
        {
            lock (lines)
                lines.Add(line);
        }

        NativeLoader.EnsureLoaded();
        NativeLog.Line += Collect;
        try
        {
            LlamaModel.Load(fixture.Tiny, new LlamaModelSettings()).Dispose();
        }
        finally
        {
            NativeLog.Line -= Collect;
        }

        Assert.Contains(lines, l => l.StartsWith("llama_model_loader: ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains('\n') || l.Length == 0);
    }
}
