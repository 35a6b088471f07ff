using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Diagnostics;
using VAI.OptionRules;
using VAI.Pipeline.Jobs;
using VAI.Pipeline.Steps;
using VAI.Residency;
using VAI.Sram;
using VAI.Text;

namespace VAI.Sessions;

/// <summary>
/// One sequence. The token log is the truth; a line of the bank, or a copy in host memory, holds what was computed of it and can
/// be computed again. While a job or a verb runs, the log belongs to it.
/// </summary>
internal sealed partial class Session : IInferenceSession, IResumableSession
{
    private readonly Lock _gate = new();
    private readonly ModelContext _model;
    private readonly SessionOptions _options;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _committed;
    private SequenceJob? _job;
    private Task? _verb;
    private bool _disposed;

    public Session(ModelContext model, SessionOptions options, SessionImage? image = null)
    {
        _model = model;
        _options = options;
        if (image is null)
            return;
        Log.AddRange(image.Log);
        _committed = image.Committed;
        Parked = image.Kv;
        MayBeCopied = image.Kv is null && image.Log.Length > 0;
    }

    public IModelContext Model => _model;

    public int TokenCount => Volatile.Read(ref _job) is Transaction t ? t.TokenCount : Log.Count;

    public int CommittedCount => Volatile.Read(ref _committed);

    public IReadOnlyList<int> Tokens
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnusable();
                return Log.ConvertAll(Schedule.Id);
            }
        }
    }

    public SessionState State
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnusable();
                return new SessionState([.. Log], _committed);
            }
        }
    }

    internal ModelContext Context => _model;

    internal SessionOptions Options => _options;

    internal List<int> Log { get; } = [];

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

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = SessionCheck.Options(this, _disposed, options);
        return Run(new TextPrompt(prompt, null), [], [], options, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ChatPrompt prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = SessionCheck.Options(this, _disposed, prompt.Over(options));
        return Run(TextPrompt.Of(prompt), [], [], options, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ReadOnlyMemory<int> prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default) =>
        ResumeAsync(prompt, default, options ?? new InferenceOptions(), cancellationToken);

    public IAsyncEnumerable<InferenceUpdate> ResumeAsync(
        ReadOnlyMemory<int> prompt, ReadOnlyMemory<int> generated, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        options = SessionCheck.Options(this, _disposed, options);
        return Run(null, SessionCheck.Tokens(this, prompt, "The prompt"), SessionCheck.Tokens(this, generated, "What was generated"), options, cancellationToken);
    }

    public async ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        Session? child = null;
        await VerbAsync(
            () => _model.Pipeline.InvokeAsync(() =>
            {
                child = _model.Open(options ?? _options, new SessionImage([.. Log], _committed, null));
                _model.Lane.Placer.Fork(this, child);
            }),
            cancellationToken).ConfigureAwait(false);
        return child!;
    }

    public ValueTask CommitAsync(CancellationToken cancellationToken = default) => VerbAsync(
        () =>
        {
            _committed = Log.Count;
            return Task.CompletedTask;
        },
        cancellationToken);

    public ValueTask RollbackAsync(CancellationToken cancellationToken = default) => VerbAsync(
        () =>
        {
            // What was computed of it stays where it is: a line is cut back when its session next needs it.
            Log.RemoveRange(_committed, Log.Count - _committed);
            return Task.CompletedTask;
        },
        cancellationToken);

    public ValueTask ParkAsync(CancellationToken cancellationToken = default) => VerbAsync(
        () => CopyAsync(
            async () =>
            {
                await _model.Lane.Placer.ParkAsync(this).ConfigureAwait(false);
                return true;
            },
            cancellationToken),
        cancellationToken);

    public ValueTask RebuildAsync(CancellationToken cancellationToken = default) => VerbAsync(
        async () =>
        {
            await _model.Pipeline.InvokeAsync(() => _model.Lane.Placer.Drop(this)).ConfigureAwait(false);
            var job = new RebuildJob(this, JobTimes.From(Stopwatch.GetTimestamp(), _options.Priority), cancellationToken);
            using CancellationTokenRegistration registration =
                cancellationToken.UnsafeRegister(static j => ((SequenceJob)j!).Cancel(), job);
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _job = job;
            }

            _model.Lane.Submit(job);
            await job.Task.ConfigureAwait(false);
        },
        cancellationToken);

    public ValueTask SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return VerbAsync(
            async () =>
            {
                SessionFile file = SessionFile.For(_model);
                (ParkedKv? kv, bool isKept) = await CopyAsync(() => _model.Lane.Placer.CopyAsync(this), cancellationToken).ConfigureAwait(false);
                try
                {
                    await Task.Run(() => file.Write(path, [.. Log], _committed, kv), cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    if (!isKept)
                        kv?.Dispose();
                }
            },
            cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        bool first;
        lock (_gate)
        {
            first = !_disposed;
            _disposed = true;
        }

        CancelPrompt();

        if (first)
            _ = CloseAsync();
        await _closed.Task.ConfigureAwait(false);
    }

    /// <summary>The job has let go of the log.</summary>
    internal void Release(SequenceJob job)
    {
        lock (_gate)
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

    private async IAsyncEnumerable<InferenceUpdate> Run(
        TextPrompt? text,
        int[] prompt,
        int[] generated,
        InferenceOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
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
        lock (_gate)
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
        lock (_gate)
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
            lock (_gate)
                _verb = null;
            ended.SetResult();
        }
    }

    // Copies go in slices, between steps: until the last one the verb can be cancelled, and the session disposed.
    private async Task<T> CopyAsync<T>(Func<Task<T>> begin, CancellationToken cancellationToken)
    {
        Task<T> copy = await _model.Pipeline.InvokeAsync(() =>
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
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
        lock (_gate)
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

    private void ThrowIfUnusable() => SessionCheck.Usable(this, _disposed, busy: _job is not null || _verb is not null);
}

/// <summary>What a session is made of anew.</summary>
/// <param name="Log">Its log entries.</param>
/// <param name="Committed">How many of them are committed.</param>
/// <param name="Kv">What was computed of them; null if nothing is at hand.</param>
internal sealed record SessionImage(int[] Log, int Committed, ParkedKv? Kv);
