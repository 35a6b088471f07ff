using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Diagnostics;
using VAI.OptionRules;
using VAI.Pipeline.Jobs;
using VAI.Residency;
using VAI.Sram;
using VAI.Text;

namespace VAI.Sessions;

/// <summary>
/// One sequence. The token log is the truth; a line of the bank, or a copy in host memory, holds what was computed of it and can
/// be computed again.
/// </summary>
internal sealed partial class Session : LoggedSession
{
    private readonly ModelContext _model;
    private readonly SessionOptions _options;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SequenceJob? _job;
    private Task? _verb;

    public Session(ModelContext model, SessionOptions options, SessionImage? image = null)
    {
        _model = model;
        _options = options;
        if (image is null)
            return;
        Log.AddRange(image.Log);
        Committed = image.Committed;
        Parked = image.Kv;
        MayBeCopied = image.Kv is null && image.Log.Length > 0;
    }

    public override IModelContext Model => _model;

    public override int TokenCount => Volatile.Read(ref _job) is Transaction t ? t.TokenCount : Log.Count;

    internal ModelContext Context => _model;

    internal SessionOptions Options => _options;

    internal ReadOnlySpan<int> LogSpan => CollectionsMarshal.AsSpan(Log);

    /// <summary>The line that is this session's; null while it has none. On the pipeline's thread.</summary>
    internal SramLine? Line { get; set; }

    /// <summary>Its KV in host memory; null if there is none. On the pipeline's thread.</summary>
    internal ParkedKv? Parked { get; set; }

    /// <summary>Its KV in shared memory, as of some moment; null if it was not copied. On the pipeline's thread.</summary>
    internal KvStashFile? Copied { get; set; }

    /// <summary>Stopwatch ticks of computing that would have to be done again without what is not copied. On the pipeline's thread.</summary>
    internal long Uncopied { get; set; }

    /// <summary>The copy into shared memory that is being made; null for none. On the pipeline's thread.</summary>
    internal KvStashCopy? Copying { get; set; }

    /// <summary>Whether another process may have left its KV. On the pipeline's thread.</summary>
    internal bool MayBeCopied { get; set; }

    protected override bool IsBusy => _job is not null || _verb is not null;

    public override async ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        Session? child = null;
        await VerbAsync(
            () => _model.Pipeline.InvokeAsync(() =>
            {
                child = _model.Open(options ?? _options, new SessionImage([.. Log], Committed, null));
                _model.Lane.Placer.Fork(this, child);
            }),
            cancellationToken).ConfigureAwait(false);
        return child!;
    }

    public override ValueTask CommitAsync(CancellationToken cancellationToken = default) => VerbAsync(
        () =>
        {
            Commit();
            return Task.CompletedTask;
        },
        cancellationToken);

    public override ValueTask RollbackAsync(CancellationToken cancellationToken = default) => VerbAsync(
        () =>
        {
            Rollback();
            return Task.CompletedTask;
        },
        cancellationToken);

    public override ValueTask ParkAsync(CancellationToken cancellationToken = default) => VerbAsync(
        () => CopyAsync(
            async () =>
            {
                await _model.Lane.Placer.ParkAsync(this).ConfigureAwait(false);
                return true;
            },
            cancellationToken),
        cancellationToken);

    public override ValueTask RebuildAsync(CancellationToken cancellationToken = default) => VerbAsync(
        async () =>
        {
            await _model.Pipeline.InvokeAsync(() => _model.Lane.Placer.Drop(this)).ConfigureAwait(false);
            var job = new RebuildJob(this, JobTimes.From(Stopwatch.GetTimestamp(), _options.Priority), cancellationToken);
            using CancellationTokenRegistration registration =
                cancellationToken.UnsafeRegister(static j => ((SequenceJob)j!).Cancel(), job);
            lock (Gate)
            {
                ObjectDisposedException.ThrowIf(WasDisposed, this);
                _job = job;
            }

            _model.Lane.Submit(job);
            await job.Task.ConfigureAwait(false);
        },
        cancellationToken);

    public override ValueTask SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return VerbAsync(
            async () =>
            {
                SessionFile file = SessionFile.For(_model);
                (ParkedKv? kv, bool isKept) = await CopyAsync(() => _model.Lane.Placer.CopyAsync(this), cancellationToken).ConfigureAwait(false);
                try
                {
                    await Task.Run(() => file.Write(path, [.. Log], Committed, kv), cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    if (!isKept)
                        kv?.Dispose();
                }
            },
            cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        bool first = TryDispose();
        CancelPrompt();
        if (first)
            _ = CloseAsync();
        await _closed.Task.ConfigureAwait(false);
    }

    /// <summary>The job has let go of the log.</summary>
    internal void Release(SequenceJob job)
    {
        lock (Gate)
        {
            if (_job == job)
                _job = null;
        }
    }

    /// <summary>Drops the copy in host memory. On the pipeline's thread.</summary>
    internal void Unpark()
    {
        Parked?.Dispose();
        Parked = null;
    }

    internal static ObjectDisposedException Disposed() =>
        new(nameof(IInferenceSession), "The session was disposed while its transaction ran.");

    protected override async IAsyncEnumerable<InferenceUpdate> Run(
        TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        cancellationToken.ThrowIfCancellationRequested();
        Activity? activity = Telemetry.Start(_model.Name);
        Transaction transaction;
        try
        {
            transaction = text is null
                ? Begin(prompt, generated, options, start, cancellationToken)
                : await BeginAsync(text.Value, options, start, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Telemetry.Failed(activity, _model.Name, start, e);
            throw;
        }

        try
        {
            transaction.Registration = cancellationToken.UnsafeRegister(static t => ((Transaction)t!).Cancel(), transaction);
            _model.Lane.Submit(transaction);
            while (!transaction.AllRead)
            {
                await transaction.WaitAsync().ConfigureAwait(false);
                while (transaction.TryRead(out InferenceUpdate update))
                    yield return update;
            }

            transaction.ThrowIfFailed();
        }
        finally
        {
            // A reader that left early ends the transaction here.
            if (!transaction.Ended.IsCompleted)
                transaction.Cancel();
            await transaction.Ended.ConfigureAwait(false);
            if (transaction.Result is { } result)
                Telemetry.Succeeded(activity, _model.Name, result);
            else
                Telemetry.Failed(activity, _model.Name, start, transaction.Error);
        }
    }

    private Transaction Begin(
        int[] tokens,
        int[] generated,
        InferenceOptions options,
        long start,
        CancellationToken cancellationToken)
    {
        lock (Gate)
        {
            ThrowIfUnusable();
            long length = (long)Log.Count + tokens.Length + generated.Length;
            if (length == 0)
                throw OptionCheck.Invalid("The prompt is empty, and so is the session: there is nothing to continue.");
            if (length - generated.Length >= _model.ContextLength || length > _model.ContextLength)
            {
                throw new VaiUsageException(
                    VaiError.ContextFull,
                    $"The prompt has {tokens.Length} tokens and the session {Log.Count}, but '{_model.Name}' has a context of "
                    + $"{_model.ContextLength}, of which one is kept for the answer. Shorten the prompt or the conversation, or "
                    + "load the model with a larger context.");
            }

            var times = JobTimes.From(start, _options.Priority, options.Deadline, options.SramWait);
            var transaction = new Transaction(
                this, tokens, generated, options, _options.BufferedUpdates, times, cancellationToken);
            _job = transaction;
            return transaction;
        }
    }

    // One at a time, and none while a transaction runs.
    private async ValueTask VerbAsync(Func<Task> verb, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (Gate)
        {
            ThrowIfUnusable();
            _verb = ended.Task;
        }

        try
        {
            await verb().ConfigureAwait(false);
        }
        finally
        {
            lock (Gate)
                _verb = null;
            ended.SetResult();
        }
    }

    // Copies go in slices, between steps: until the last one the verb can be cancelled, and the session disposed.
    private async Task<T> CopyAsync<T>(Func<Task<T>> begin, CancellationToken cancellationToken)
    {
        Task<T> copy = await _model.Pipeline.InvokeAsync(() =>
        {
            ObjectDisposedException.ThrowIf(WasDisposed, this);
            return begin();
        }).ConfigureAwait(false);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (s, token) => ((Session)s!).StopCopies(new OperationCanceledException(token)), this);
        return await copy.ConfigureAwait(false);
    }

    private Task StopCopies(Exception why) => _model.Pipeline.InvokeAsync(() => _model.Lane.Placer.StopCopies(this, why));

    private async Task CloseAsync()
    {
        SequenceJob? job;
        Task? verb;
        lock (Gate)
            (job, verb) = (_job, _verb);
        Exception? error = null;
        try
        {
            job?.Cancel();
            if (job is Transaction transaction)
                await transaction.Ended.ConfigureAwait(false);
            if (verb is not null)
            {
                await StopCopies(Disposed()).ConfigureAwait(false);
                await verb.ConfigureAwait(false);
            }

            await _model.Pipeline.InvokeAsync(Release).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            error = e;
        }

        // It is closed whatever went wrong; who disposes it is told.
        _model.Remove(this);
        if (error is null)
            _closed.SetResult();
        else
            _closed.SetException(error);

        void Release()
        {
            try
            {
                _model.Lane.Placer.Release(this);
            }
            finally
            {
                _model.Lane.Freed();
            }
        }
    }
}

/// <summary>What a session is made of anew.</summary>
/// <param name="Log">Its log entries.</param>
/// <param name="Committed">How many of them are committed.</param>
/// <param name="Kv">What was computed of them; null if nothing is at hand.</param>
internal sealed record SessionImage(int[] Log, int Committed, ParkedKv? Kv);
