using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace VAI.Engine;

/// <summary>
/// One sequence. The token log is the truth; the KV holds its first <see cref="Computed"/> tokens and can be computed again
/// from it. While a transaction runs, log and count belong to the pipeline's thread.
/// </summary>
internal sealed class Session(ModelContext model, int sequence, SessionOptions options) : IInferenceSession
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Transaction? _running;
    private bool _disposed;

    public IModelContext Model => model;

    public int TokenCount => Volatile.Read(ref _running)?.TokenCount ?? Log.Count;

    public IReadOnlyList<int> Tokens
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnusable();
                return Log.ToArray();
            }
        }
    }

    internal ModelContext Context => model;

    internal int Sequence => sequence;

    internal List<int> Log { get; } = [];

    /// <summary>How many of the log's first tokens are in the KV.</summary>
    internal int Computed { get; private set; }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? inference = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        inference ??= new InferenceOptions();
        ObjectDisposedException.ThrowIf(_disposed, this);
        SamplerFactory.Check(inference, model.Model.Vocab);
        return Run(prompt, default, inference, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ReadOnlyMemory<int> prompt, InferenceOptions? inference = null, CancellationToken cancellationToken = default)
    {
        inference ??= new InferenceOptions();
        ObjectDisposedException.ThrowIf(_disposed, this);
        SamplerFactory.Check(inference, model.Model.Vocab);
        foreach (int token in prompt.Span)
        {
            if (!model.Model.Vocab.Contains(token))
                throw OptionCheck.Invalid($"The prompt holds token {token}; ids of '{model.Name}' are 0 to {model.Model.Vocab.Count - 1}.");
        }

        return Run(null, prompt, inference, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Transaction? running;
        lock (_gate)
        {
            running = _running;
            if (_disposed)
                running = null;
            else if (running is null)
                _ = CloseAsync();
            _disposed = true;
        }

        if (running is not null)
        {
            running.Cancel();
            await running.Ended.ConfigureAwait(false);
            _ = CloseAsync();
        }

        await _closed.Task.ConfigureAwait(false);
    }

    /// <summary>Counts tokens of the log as being in the KV. On the pipeline's thread.</summary>
    internal void Advance(int tokens)
    {
        Computed += tokens;
        model.Bank.Count(tokens);
    }

    /// <summary>Cuts the log and the KV back to a length. On the pipeline's thread.</summary>
    internal void Truncate(int length)
    {
        if (Log.Count > length)
            Log.RemoveRange(length, Log.Count - length);
        TruncateKv(length);
    }

    /// <summary>Cuts the KV alone back to a length; memory that cannot forget a part forgets all. On the pipeline's thread.</summary>
    internal void TruncateKv(int length)
    {
        // A failed or aborted step may have left positions beyond what was counted: those go as well.
        int keep = Math.Min(Computed, length);
        if (!model.Llama.Truncate(sequence, keep))
        {
            model.Llama.Clear(sequence);
            keep = 0;
        }

        model.Bank.Count(keep - Computed);
        Computed = keep;
    }

    /// <summary>The transaction has let go of the log.</summary>
    internal void Release()
    {
        lock (_gate)
            _running = null;
    }

    private async IAsyncEnumerable<InferenceUpdate> Run(
        string? text, ReadOnlyMemory<int> prompt, InferenceOptions inference, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        cancellationToken.ThrowIfCancellationRequested();
        Transaction transaction = Begin(text, prompt, inference, start, cancellationToken);
        try
        {
            using CancellationTokenRegistration registration =
                cancellationToken.UnsafeRegister(static t => ((Transaction)t!).Cancel(), transaction);
            model.Pipeline.Submit(transaction);
            while (await transaction.WaitAsync().ConfigureAwait(false))
            {
                while (transaction.TryRead(out InferenceUpdate update))
                    yield return update;
            }
        }
        finally
        {
            // Nothing to do after the last update; a reader that left early ends the transaction here.
            transaction.Cancel();
            await transaction.Ended.ConfigureAwait(false);
        }
    }

    private Transaction Begin(
        string? text, ReadOnlyMemory<int> prompt, InferenceOptions inference, long start, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            int[] tokens = text is null
                ? prompt.ToArray()
                : model.Model.Vocab.Tokenize(text, addSpecial: Log.Count == 0, parseSpecial: true);
            int length = Log.Count + tokens.Length;
            if (length == 0)
                throw OptionCheck.Invalid("The prompt is empty, and so is the session: there is nothing to continue.");
            if (length >= model.ContextLength)
            {
                throw new VaiUsageException(
                    VaiError.ContextFull,
                    $"The prompt has {tokens.Length} tokens and the session {Log.Count}, but '{model.Name}' has a context of "
                    + $"{model.ContextLength}, of which one is kept for the answer. Shorten the prompt, open a new session, or load it "
                    + "with a larger ContextLength.");
            }

            return _running = new Transaction(this, tokens, inference, options.BufferedUpdates, start, cancellationToken);
        }
    }

    private async Task CloseAsync()
    {
        try
        {
            await model.Pipeline.InvokeAsync(() => Truncate(0)).ConfigureAwait(false);
        }
        finally
        {
            model.Remove(this);
            _closed.SetResult();
        }
    }

    private void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_running is not null)
        {
            throw new VaiUsageException(
                VaiError.SessionBusy, "The session runs a transaction. Read it to its end, cancel it, or open another session.");
        }
    }
}
