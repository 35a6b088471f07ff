using Microsoft.Extensions.Logging;
using VAI.Remote;

namespace VAI.Daemon.Supervision;

/// <summary>
/// The engine process that takes over. It has llama.cpp loaded and has run what a takeover runs, on a model of a few cells that it
/// forgot again: what is left is attaching the ROMs, none of it is .NET's starting and compiling.
/// </summary>
internal sealed class Standby(WorkerCommand command, WorkerConfig config, string directory, ILogger log) : IAsyncDisposable
{
    private const string WarmName = "warming up";
    private const int WarmTokens = 64;

    private readonly Lock _gate = new();
    private (ModelOptions Model, long Bytes)? _smallest;
    private Task<WorkerProcess?>? _prepared;
    private int _started;

    // Right after a takeover the cores belong to the transactions that were interrupted.
    private static TimeSpan Pause { get; } = TimeSpan.FromSeconds(2);

    /// <summary>A model to warm up with: the smallest of those loaded is used.</summary>
    public void WarmWith(ModelOptions model, long bytes)
    {
        lock (_gate)
        {
            if (_smallest is not { } smallest || bytes <= smallest.Bytes)
                _smallest = (model, bytes);
        }
    }

    /// <summary>The model is not to be used any more.</summary>
    public void Forget(string model)
    {
        lock (_gate)
        {
            if (_smallest?.Model.Name == model)
                _smallest = null;
        }
    }

    /// <summary>Begins to start the next process, unless it stands by already.</summary>
    public void Prepare(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // Without a model there is nothing to take over.
            if (_smallest is null)
                return;
            if (_prepared is null or { IsFaulted: true } or { IsCanceled: true } || _prepared is { IsCompletedSuccessfully: true, Result: null or { HasEnded: true } })
                _prepared = PrepareAsync(cancellationToken);
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

    private WorkerProcess Start() =>
        WorkerProcess.Start(command, config, Path.Combine(directory, $"{Interlocked.Increment(ref _started)}.sock"));

    private async Task<WorkerProcess?> PrepareAsync(CancellationToken cancellationToken)
    {
        WorkerProcess? worker = null;
        try
        {
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            worker = Start();
            await worker.Ready.WaitAsync(cancellationToken).ConfigureAwait(false);
            ModelOptions? model;
            lock (_gate)
                model = _smallest?.Model;
            if (model is not null)
                await WarmAsync(worker, model, cancellationToken).ConfigureAwait(false);
            log.WorkerStandsBy(worker.Id);
            return worker;
        }
        catch (Exception e) when (e is VaiException or OperationCanceledException)
        {
            if (e is VaiException)
                log.NoStandby(e.Message);
            if (worker is not null)
                await worker.DisposeAsync().ConfigureAwait(false);
            return null;
        }
    }

    private static async Task WarmAsync(WorkerProcess worker, ModelOptions model, CancellationToken cancellationToken)
    {
        await using var vai = new RemoteVai(new WorkerEndpoint(worker));
        model = model with { Name = WarmName, ContextLength = WarmTokens, SramTokens = WarmTokens, MaxSessions = 1 };
        ModelHandle handle = await vai.LoadAsync(model, null, cancellationToken).ConfigureAwait(false);
        IModelContext context = vai.Select(handle);
        if (context.Info.IsEmbedding)
        {
            await context.EmbedAsync("a", cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await using IInferenceSession session = context.OpenSession();
            InferenceOptions options = InferenceOptions.Greedy with { MaxTokens = 2 };
            await foreach (InferenceUpdate update in session.InferAsync("a", options, cancellationToken).ConfigureAwait(false))
                _ = update;
        }

        await vai.UnloadAsync(handle, cancellationToken).ConfigureAwait(false);
    }
}
