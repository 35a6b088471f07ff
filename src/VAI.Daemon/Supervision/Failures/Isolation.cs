using System.Diagnostics.CodeAnalysis;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;

namespace VAI.Daemon.Supervision.Failures;

/// <summary>
/// Engines for those who are suspected of ending theirs: one at a time, for one request, with its model alone. Who gets through, or clearly
/// further than where it was, is cleared; who ends it has ended nobody else's.
/// </summary>
/// <param name="start">Starts a process, whose death counts as one's own.</param>
/// <param name="options">How long it may take.</param>
/// <param name="blame">Who is suspected.</param>
[SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle is not used holds nothing.")]
internal sealed class Isolation(Func<EngineProcess> start, SupervisionOptions options, Blame blame)
{
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>An engine for this request.</summary>
    /// <param name="request">Whose it is.</param>
    /// <param name="model">Its model; null for none.</param>
    /// <param name="cancellationToken">Gives up waiting for it.</param>
    /// <exception cref="VaiException">It could not be started, or the model not loaded.</exception>
    public async ValueTask<EngineStay> EnterAsync(Request request, ModelOptions? model, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        EngineProcess? engine = null;
        try
        {
            engine = start();
            EngineLink link = await engine.Ready.WaitAsync(options.StartLimit, cancellationToken).ConfigureAwait(false);
            engine.State = EngineState.TakingOver;
            if (model is not null)
                await EngineVai.LoadAsync(link, model, null, null, cancellationToken).ConfigureAwait(false);
            engine.State = EngineState.Serving;
            return new EngineStay(link, new Ward(this, request, engine));
        }
        catch (Exception e)
        {
            if (engine is not null)
                await engine.DisposeAsync().ConfigureAwait(false);
            _one.Release();
            if (e is LinkEndedException or TimeoutException)
                throw new VaiEngineException(VaiError.EngineLost, $"An engine process of its own for request {request.Id} could not be had ({e.Message}). Ask again.", e);
            throw;
        }
    }

    private async ValueTask LeaveAsync(Request request, EngineProcess engine)
    {
        if (!engine.HasEnded)
            blame.Clear(request);
        try
        {
            await engine.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    private sealed class Ward(Isolation isolation, Request request, EngineProcess engine) : IIsolation
    {
        private int _left;

        public bool IsCleared => isolation.IsCleared(request);

        public ValueTask DisposeAsync() => Interlocked.Exchange(ref _left, 1) == 0 ? isolation.LeaveAsync(request, engine) : ValueTask.CompletedTask;
    }

    private bool IsCleared(Request request) => blame.IsCleared(request);
}
