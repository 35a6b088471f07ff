using Microsoft.Extensions.Logging;
using VAI.Pipeline;
using VAI.Remote;
using VAI.Sessions;

namespace VAI.Daemon.Supervision;

/// <summary>
/// The engine process that takes over. It has llama.cpp loaded and has run what a takeover runs, on a model of a few cells that it
/// forgot again, and it has the ROMs attached, which takes no memory, and small SRAM cleared: what is left of a takeover is large SRAM.
/// </summary>
internal sealed class Standby(WorkerCommand command, WorkerConfig config, string directory, KvEstate estate, ILogger log) : IAsyncDisposable
{
    private const string WarmName = "warming up";
    private const int WarmTokens = 64;

    private readonly Lock _gate = new();
    private IReadOnlyList<(ModelOptions Model, long Bytes)> _wanted = [];
    private Task<WorkerProcess?>? _prepared;
    private int _started;

    // Right after a takeover the cores belong to the transactions that were interrupted.
    private static TimeSpan Pause { get; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Has a process stand by for these models, unless there are none: begins to start one, or tells the one that there is.
    /// </summary>
    /// <returns>Ends when a process that stands by already has been told: it holds no other ROM any more.</returns>
    public Task Prepare(IReadOnlyList<(ModelOptions Model, long Bytes)> wanted, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _wanted = wanted;
            if (_prepared is null or { IsFaulted: true } or { IsCanceled: true } or { IsCompletedSuccessfully: true, Result: null or { HasEnded: true } })
            {
                _prepared = wanted.Count == 0 ? null : PrepareAsync(cancellationToken);
            }
            else
            {
                bool there = _prepared.IsCompleted;
                _prepared = TellAsync(_prepared, cancellationToken);
                return there ? _prepared : Task.CompletedTask;
            }

            return Task.CompletedTask;
        }
    }

    /// <summary>The process that stands by, or else one that is only starting.</summary>
    public async Task<WorkerProcess> TakeAsync()
    {
        Task<WorkerProcess?>? prepared;
        lock (_gate)
            (prepared, _prepared) = (_prepared, null);
        return prepared is not null && await prepared.ConfigureAwait(false) is { HasEnded: false } worker ? worker : Start();
    }

    public async ValueTask DisposeAsync()
    {
        Task<WorkerProcess?>? prepared;
        lock (_gate)
            (prepared, _prepared) = (_prepared, null);
        if (prepared is not null && await prepared.ConfigureAwait(false) is { } worker)
            await worker.DisposeAsync().ConfigureAwait(false);
    }

    private WorkerProcess Start()
    {
        int number = Interlocked.Increment(ref _started);
        return WorkerProcess.Start(
            command, config with { StashDirectory = estate.Of(number) }, number, Path.Combine(directory, $"{number}.sock"));
    }

    private async Task<WorkerProcess?> PrepareAsync(CancellationToken cancellationToken)
    {
        WorkerProcess? worker = null;
        try
        {
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            worker = Start();
            await worker.Ready.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (Wanted() is { Count: > 0 } wanted)
                await WarmAsync(worker, wanted.MinBy(w => w.Bytes).Model, cancellationToken).ConfigureAwait(false);
            await TellAsync(worker, cancellationToken).ConfigureAwait(false);
            log.WorkerStandsBy(worker.Id);
            return worker;
        }
        catch (Exception e) when (IsFailure(e))
        {
            await GiveUpAsync(worker, e).ConfigureAwait(false);
            return null;
        }
    }

    private async Task<WorkerProcess?> TellAsync(Task<WorkerProcess?> prepared, CancellationToken cancellationToken)
    {
        if (await prepared.ConfigureAwait(false) is not { HasEnded: false } worker)
            return null;
        try
        {
            await TellAsync(worker, cancellationToken).ConfigureAwait(false);
            return worker;
        }
        catch (Exception e) when (IsFailure(e))
        {
            await GiveUpAsync(worker, e).ConfigureAwait(false);
            return null;
        }
    }

    private async Task TellAsync(WorkerProcess worker, CancellationToken cancellationToken)
    {
        await using var vai = new RemoteVai(new WorkerEndpoint(worker));
        await vai.PrepareAsync([.. Wanted().Select(w => w.Model)], cancellationToken).ConfigureAwait(false);
    }

    private IReadOnlyList<(ModelOptions Model, long Bytes)> Wanted()
    {
        lock (_gate)
            return _wanted;
    }

    private static bool IsFailure(Exception e) => e is VaiException or OperationCanceledException || RemoteLink.IsBreak(e);

    private async Task GiveUpAsync(WorkerProcess? worker, Exception error)
    {
        if (error is not OperationCanceledException)
            log.NoStandby(error.Message);
        if (worker is not null)
            await worker.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task WarmAsync(WorkerProcess worker, ModelOptions model, CancellationToken cancellationToken)
    {
        await using var vai = new RemoteVai(new WorkerEndpoint(worker));
        model = model with { Name = WarmName, ContextLength = WarmTokens, SramTokens = WarmTokens, MaxSessions = 1 };
        ModelHandle handle = await vai.LoadAsync(model, null, cancellationToken).ConfigureAwait(false);
        IModelContext context = vai.Select(handle);
        if (context.Info.IsEmbedding)
            await context.EmbedAsync("a", cancellationToken).ConfigureAwait(false);
        else
            await WarmAsync((IRebuildableModel)context, cancellationToken).ConfigureAwait(false);
        await vai.UnloadAsync(handle, cancellationToken).ConfigureAwait(false);
    }

    // A session, its KV moved out and in again, and one that is taken up in its middle. As few steps as that needs: their threads spin
    // on the cores of those who are served.
    private static async Task WarmAsync(IRebuildableModel model, CancellationToken cancellationToken)
    {
        InferenceOptions options = InferenceOptions.Greedy with { MaxTokens = 2, Seed = 1 };
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync("a", options, cancellationToken)).ConfigureAwait(false);
        await session.ParkAsync(cancellationToken).ConfigureAwait(false);
        await ReadAsync(session.InferAsync("b", options with { MaxTokens = 1 }, cancellationToken)).ConfigureAwait(false);
        SessionState state = ((IResumableSession)session).State;
        await using IInferenceSession again = model.OpenSession(null, state);
        int[] token = [Schedule.Id(state.Log[0])];
        await ReadAsync(((IResumableSession)again).ResumeAsync(token, token, options with { MaxTokens = 2 }, cancellationToken)).ConfigureAwait(false);
    }

    private static async Task ReadAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        await foreach (InferenceUpdate update in updates.ConfigureAwait(false))
            _ = update;
    }
}
