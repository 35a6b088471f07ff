using VAI.OptionRules;
using VAI.Pipeline.Steps;
using VAI.Text;
using VAI.Text.Constraints;

namespace VAI.Sessions;

/// <summary>
/// A session, whoever computes it: its token log, and the doors by which transactions come, where all that is asked is checked before it is begun.
/// While a transaction or a verb runs, the log belongs to it.
/// </summary>
internal abstract class LoggedSession : IResumableSession
{
    private int _committed;
    private bool _disposed;

    public abstract IModelContext Model { get; }

    public abstract int TokenCount { get; }

    public int CommittedCount => Volatile.Read(ref _committed);

    public IReadOnlyList<int> Tokens
    {
        get
        {
            lock (Gate)
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
            lock (Gate)
            {
                ThrowIfUnusable();
                return Snapshot();
            }
        }
    }

    internal List<int> Log { get; } = [];

    protected Lock Gate { get; } = new();

    protected int Committed
    {
        get => _committed;
        set => _committed = value;
    }

    protected bool WasDisposed => Volatile.Read(ref _disposed);

    /// <summary>Whether a transaction or another call uses it; asked under the lock.</summary>
    protected abstract bool IsBusy { get; }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Run(new TextPrompt(prompt, null), [], [], Checked(options), cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ChatPrompt prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = Checked(prompt.Over(options));
        return Run(TextPrompt.Of(prompt), [], [], options, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ReadOnlyMemory<int> prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default) =>
        ResumeAsync(prompt, default, options ?? new InferenceOptions(), cancellationToken);

    public IAsyncEnumerable<InferenceUpdate> ResumeAsync(
        ReadOnlyMemory<int> prompt, ReadOnlyMemory<int> generated, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return Run(null, Checked(prompt, "The prompt"), Checked(generated, "What was generated"), options, cancellationToken);
    }

    public abstract ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default);

    public abstract ValueTask CommitAsync(CancellationToken cancellationToken = default);

    public abstract ValueTask RollbackAsync(CancellationToken cancellationToken = default);

    public abstract ValueTask ParkAsync(CancellationToken cancellationToken = default);

    public abstract ValueTask RebuildAsync(CancellationToken cancellationToken = default);

    public abstract ValueTask SaveAsync(string path, CancellationToken cancellationToken = default);

    public abstract ValueTask DisposeAsync();

    /// <summary>Runs a transaction, whose options and tokens were checked, as it is read.</summary>
    protected abstract IAsyncEnumerable<InferenceUpdate> Run(
        TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken);

    protected SessionState Snapshot() => new([.. Log], _committed);

    protected void Commit() => _committed = Log.Count;

    // What was computed of it stays where it is: a line is cut back when its session next needs it.
    protected void Rollback() => Log.RemoveRange(_committed, Log.Count - _committed);

    /// <summary>Lets nothing more in.</summary>
    /// <returns>Whether this is the first time.</returns>
    protected bool TryDispose()
    {
        lock (Gate)
        {
            bool first = !_disposed;
            _disposed = true;
            return first;
        }
    }

    /// <summary>To be called under the lock.</summary>
    protected void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (IsBusy)
        {
            throw new VaiUsageException(
                VaiError.SessionBusy, "The session is in use by a transaction, or by another call. Await that, cancel it, or open another session.");
        }
    }

    private InferenceOptions Checked(InferenceOptions? options)
    {
        options ??= new InferenceOptions();
        ObjectDisposedException.ThrowIf(_disposed, this);
        OptionCheck.Duration(options.Deadline, nameof(options.Deadline));
        OptionCheck.Duration(options.SramWait, nameof(options.SramWait));
        CheckReasoning(options);
        if (options.Constraint is { } constraint)
            CompiledConstraint.Of(constraint);
        SamplerFactory.Check(options, Model.Info.VocabularySize);
        return options;
    }

    // A copy, as it runs later, and what the caller's memory holds by then is not what was checked.
    private int[] Checked(ReadOnlyMemory<int> tokens, string what)
    {
        int[] copy = tokens.ToArray();
        OptionCheck.Tokens(copy, what, Model.Name, Model.Info.VocabularySize);
        return copy;
    }

    private static void CheckReasoning(InferenceOptions options)
    {
        const int Longest = 256;
        if (options.ReasoningBudget is { } budget)
            OptionCheck.Range(budget, 0, int.MaxValue, nameof(options.ReasoningBudget));
        if (options.Reasoning is { } format && (format.Open is not { Length: > 0 and <= Longest } || format.Close is not { Length: > 0 and <= Longest }
            || format.Answer?.Length is 0 or > Longest))
        {
            throw OptionCheck.Invalid($"A mark of {nameof(options.Reasoning)} is empty, or longer than {Longest} characters.");
        }
    }
}
