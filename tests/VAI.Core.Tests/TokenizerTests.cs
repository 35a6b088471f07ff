using VAI.Forge;
using VAI.Text;

namespace VAI.Core.Tests;

/// <summary>Texts of every kind and length, given to an engine.</summary>
public sealed class TokenizerTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_word_that_would_overflow_the_stack_is_answered_or_refused()
    {
        (IVai vai, IModelContext model) = await LoadAsync(await TekkenAsync(), m => m.ContextLength = 2048);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        string text = new('A', 60_000);
        IReadOnlyList<int> tokens = await model.TokenizeAsync(text);
        Assert.Equal(text, await model.DetokenizeAsync(tokens));
        VaiUsageException error = await ThrowsAsync<VaiUsageException>(
            VaiError.ContextFull, () => ReadAsync(session.InferAsync(new string('-', 2_000_000), Greedy(1))));
        Assert.Contains("2000000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.TokenCount);
        Assert.Single((await ReadAsync(session.InferAsync("Hello", Greedy(1)))).Tokens);
    }

    [Fact]
    public async Task A_text_that_cannot_fit_is_refused_by_its_bytes()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ContextLength = 2048);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        VaiUsageException error = await ThrowsAsync<VaiUsageException>(
            VaiError.ContextFull, () => ReadAsync(session.InferAsync(new string('\u4e2d', 400_000), Greedy(1))));
        Assert.Contains("1200000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains("2047", error.Message, StringComparison.Ordinal);
        Assert.Equal(1_200_001, (await model.TokenizeAsync(new string('\u4e2d', 400_000), addSpecial: false)).Count);
    }

    [Fact]
    public async Task Tokenizing_is_cancelled_and_leaves_the_session_as_it_was()
    {
        (IVai vai, IModelContext model) = await LoadAsync(await WordsAsync());
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        string text = new('a', 8 << 20);
        using var cancel = new CancellationTokenSource();
        Task<IReadOnlyList<int>> tokens = model.TokenizeAsync(text, cancellationToken: cancel.Token).AsTask();
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(text, Greedy(1), cancel.Token).GetAsyncEnumerator();
        Task<bool> first = updates.MoveNextAsync().AsTask();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tokens);
        // The text may have been refused for its length by then.
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => first);
        Assert.True(error is OperationCanceledException or VaiUsageException { Code: VaiError.ContextFull });
        await updates.DisposeAsync();
        Assert.Equal(0, session.TokenCount);
    }

    [Fact]
    public async Task A_session_is_busy_while_its_prompt_becomes_tokens_and_can_be_disposed()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ContextLength = 2048);
        await using IVai _ = vai;
        using var first = new Gate();
        IInferenceSession session = model.OpenSession();
        // The one thread that takes long texts is kept, so that the prompt waits for it.
        Task<int[]> kept = LongTextThread.RunAsync(first, default);
        await first.Reached;
        await using IAsyncEnumerator<InferenceUpdate> updates =
            session.InferAsync(string.Concat(Enumerable.Repeat("a b ", 4500)), Greedy(1)).GetAsyncEnumerator();
        Task<bool> moved = updates.MoveNextAsync().AsTask();
        await ThrowsAsync<VaiUsageException>(VaiError.SessionBusy, () => session.CommitAsync().AsTask());
        Task disposal = session.DisposeAsync().AsTask();
        first.Open();
        await kept;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => moved);
        await disposal;
        Assert.Equal(0, model.OpenSessions);
    }

    [Fact]
    public async Task Long_texts_take_turns()
    {
        using var gate = new Gate();
        Task<int[]> kept = LongTextThread.RunAsync(gate, default);
        await gate.Reached;
        var order = new List<string>();
        Task<int[]> a = LongTextThread.RunAsync(new Steps("a", 4, order), default);
        Task<int[]> b = LongTextThread.RunAsync(new Steps("b", 2, order), default);
        Task<int[]> failing = LongTextThread.RunAsync(new Steps("c", 0, order), default);
        Task<int[]> cancelled = LongTextThread.RunAsync(new Steps("d", 2, order), new CancellationToken(true));
        gate.Open();
        await Task.WhenAll(kept, a, b);
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(["a", "b", "a", "b", "a", "a"], order);
    }

    private Task<string> TekkenAsync() => ForgeAsync("gpt2", "tekken");

    private Task<string> WordsAsync() => ForgeAsync("bert", null);

    private async Task<string> ForgeAsync(string model, string? splitter)
    {
        string file = Models.NewFile($"{model}-{splitter}.gguf");
        TokenizerSamples.WriteTo(file + ".vocabulary", TokenizerSamples.Make(model, splitter));
        await ModelForge.ForgeAsync("tiny", file, new ForgeOptions { VocabularyFile = file + ".vocabulary" });
        return file;
    }

    private sealed class Gate : ILongTextWork<int[]>, IDisposable
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _open = new();

        public Task Reached => _reached.Task;

        public int[] Result => [];

        public void Open() => _open.Set();

        public void Dispose() => _open.Dispose();

        public bool Step()
        {
            _reached.TrySetResult();
            _open.Wait();
            return false;
        }
    }

    private sealed class Steps(string name, int count, List<string> order) : ILongTextWork<int[]>
    {
        private int _left = count;

        public int[] Result => [];

        public bool Step()
        {
            if (_left == 0)
                throw new InvalidOperationException(name);
            order.Add(name);
            return --_left > 0;
        }
    }
}
