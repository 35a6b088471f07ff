using VAI.Diagnostics;
using VAI.Pipeline;

namespace VAI.Residency;

/// <content>
/// The engine's end. It waits for what the engine's own threads do, never for one that is given to foreign code: readers go on whenever they like.
/// Where foreign code is called in the middle of what is waited for (<see cref="EngineThread"/>), it only begins the end.
/// </content>
internal sealed partial class VaiEngine
{
    public void Dispose()
    {
        Task end = EndAsync();
        if (!EngineThread.IsOf(this))
            end.GetAwaiter().GetResult();
    }

    public ValueTask DisposeAsync()
    {
        Task end = EndAsync();
        return EngineThread.IsOf(this) ? ValueTask.CompletedTask : new ValueTask(end);
    }

    private Task EndAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            // On the pool: who disposes may hold what it wants.
            _ = Task.Run(
                async () =>
                {
                    try
                    {
                        await EndPartsAsync().ConfigureAwait(false);
                    }
                    finally
                    {
                        _disposal.SetResult();
                    }
                },
                CancellationToken.None);
        }

        return _disposal.Task;
    }

    // Each part whatever became of those before: what is left of one must not keep the rest.
    private async Task EndPartsAsync()
    {
        await EndPartAsync("What runs", () => _life.CancelAsync()).ConfigureAwait(false);
        await _moving.WaitAsync().ConfigureAwait(false);
        foreach (ModelContext model in _residency.Models.Cast<ModelContext>())
        {
            await EndPartAsync(model.Name, model.CloseAsync).ConfigureAwait(false);
            await EndPartAsync(model.Name, () => RemoveAsync(model)).ConfigureAwait(false);
        }

        _sweep?.Dispose();
        await _pipeline.DisposeAsync().ConfigureAwait(false);
        foreach (IDisposable? part in (IDisposable?[])[_loader, _compute, _pool, _stash, _roms])
        {
            await EndPartAsync(part?.GetType().Name ?? "", () =>
            {
                part?.Dispose();
                return Task.CompletedTask;
            }).ConfigureAwait(false);
        }

        Faults.Forget(_log);
        _nativeLog.Dispose();
        _moving.Release();
    }

    private async Task EndPartAsync(string what, Func<Task> end)
    {
        try
        {
            await end().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _log.NotEnded(e, what);
        }
    }
}
