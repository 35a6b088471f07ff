using VAI.Native.Llama;
using VAI.Residency;

namespace VAI.Bench.Parts;

/// <summary>A model under measurement: prompts that it has not seen, and generations that never end early.</summary>
internal sealed class Subject
{
    private readonly CancellationToken _cancellation;
    private int _prompts;

    public Subject(IModelContext model, CancellationToken cancellation, int firstPrompt = 0)
    {
        Model = model;
        _prompts = firstPrompt;
        _cancellation = cancellation;
        LlamaVocab vocab = Context.Model.Vocab;
        Endless = InferenceOptions.Greedy with
        {
            LogitBias = Enumerable.Range(0, vocab.Count)
                .Where(vocab.IsEndOfGeneration)
                .ToDictionary(t => t, _ => float.NegativeInfinity),
        };
    }

    public IModelContext Model { get; }

    /// <summary>Greedy, and never ended by the model.</summary>
    public InferenceOptions Endless { get; }

    public string Name => Model.Name;

    /// <summary>The engine's own view of it, for what has no public name.</summary>
    public ModelContext Context => (ModelContext)Model;

    /// <summary>Random tokens. Each prompt starts with another one, so that nothing of it is in the bank.</summary>
    public int[] Prompt(int length)
    {
        int vocabulary = Context.Model.Vocab.Count;
        var random = new Random(_prompts);
        int[] tokens = [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];
        tokens[0] = _prompts++ % vocabulary;
        return tokens;
    }

    /// <summary>Asks in a session of its own, and generates exactly so many tokens.</summary>
    public async Task<InferenceResult> AskAsync(ReadOnlyMemory<int> prompt, int tokens)
    {
        await using IInferenceSession session = Model.OpenSession();
        return await AskAsync(session, prompt, tokens).ConfigureAwait(false);
    }

    /// <summary>Asks in a session that exists.</summary>
    public async Task<InferenceResult> AskAsync(IInferenceSession session, ReadOnlyMemory<int> prompt, int tokens)
    {
        InferenceResult result = await ReadAsync(session.InferAsync(prompt, Endless with { MaxTokens = tokens }, _cancellation))
            .ConfigureAwait(false);
        return result.GeneratedTokens == tokens ? result : throw new VaiEngineException(
            VaiError.NativeFailure, $"'{Name}' generated {result.GeneratedTokens} of {tokens} tokens: {result.FinishReason}.");
    }

    /// <summary>One token more, of what the session holds.</summary>
    public Task<InferenceResult> ContinueAsync(IInferenceSession session) => AskAsync(session, ReadOnlyMemory<int>.Empty, 1);

    /// <summary>Asks greedily, as callers would, and takes it back; the answer may end early.</summary>
    public async Task<InferenceResult> AskGreedilyAsync(IInferenceSession session, ReadOnlyMemory<int> prompt, int tokens)
    {
        InferenceResult result = await ReadAsync(
            session.InferAsync(prompt, InferenceOptions.Greedy with { MaxTokens = tokens }, _cancellation)).ConfigureAwait(false);
        await session.RollbackAsync(_cancellation).ConfigureAwait(false);
        return result;
    }

    /// <summary>Does something while one session of this model generates all the time.</summary>
    public async Task<T> WhileGeneratingAsync<T>(int promptTokens, Func<Task<T>> act)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        var generating = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task generation = GenerateAsync(promptTokens, generating, stop.Token);
        try
        {
            await (await Task.WhenAny(generating.Task, generation).ConfigureAwait(false)).ConfigureAwait(false);
            return await act().ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await generation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task GenerateAsync(int promptTokens, TaskCompletionSource generating, CancellationToken stop)
    {
        while (true)
        {
            await using IInferenceSession session = Model.OpenSession();
            await foreach (InferenceUpdate _ in session.InferAsync(Prompt(promptTokens), Endless, stop).ConfigureAwait(false))
                generating.TrySetResult();
        }
    }

    private static async Task<InferenceResult> ReadAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        InferenceResult? result = null;
        await foreach (InferenceUpdate update in updates.ConfigureAwait(false))
            result = update.Result ?? result;
        return result ?? throw new VaiEngineException(VaiError.NativeFailure, "A transaction ended without a result.");
    }
}
