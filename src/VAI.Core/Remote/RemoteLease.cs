using VAI.Remote.Wire;

namespace VAI.Remote;

/// <summary>
/// A request that stays open for as long as the client has sessions to keep: when it ends, the daemon closes them after a grace.
/// </summary>
internal sealed class RemoteLease(RemoteLink link, string client, CancellationToken closing)
{
    private readonly Lock _gate = new();
    private Task? _running;

    private string Path => $"vai/clients/{client}";

    /// <summary>Sees to it that it is held. Costs a lock where it is.</summary>
    public void Hold()
    {
        lock (_gate)
        {
            if (_running is { IsCompleted: false } || closing.IsCancellationRequested)
                return;
            _running = Task.Run(HoldAsync, CancellationToken.None);
        }
    }

    /// <summary>Ends it, and the sessions with it at once.</summary>
    public async ValueTask DisposeAsync(TimeSpan atMost)
    {
        Task? running;
        lock (_gate)
            running = _running;
        if (running is null)
            return;
        using var patience = new CancellationTokenSource(atMost);
        try
        {
            await running.ConfigureAwait(false);
            await link.AskAsync<object>(() => new HttpRequestMessage(HttpMethod.Delete, Path), null, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (RemoteLink.IsBreak(e) || e is VaiException or OperationCanceledException)
        {
            // The daemon is gone, or will notice by itself.
        }
    }

    private async Task HoldAsync()
    {
        try
        {
            for (int breaks = 1; ; breaks++)
            {
                Exception cause;
                try
                {
                    RemoteEvents<int> events = await link.StreamAsync(
                        new HttpRequestMessage(HttpMethod.Get, Path), WireJson.Default.Int32, closing).ConfigureAwait(false);
                    breaks = 0;
                    await using (events.ConfigureAwait(false))
                    {
                        while (await events.MoveNextAsync().ConfigureAwait(false))
                        {
                            // Nothing is said on it.
                        }
                    }

                    cause = new InterruptedException("The daemon ended the lease.");
                }
                catch (Exception e) when (RemoteLink.IsBreak(e))
                {
                    cause = e;
                }

                await link.RecoverAsync(null, Math.Max(breaks, 1), cause, closing).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is VaiException or OperationCanceledException)
        {
            // Nobody is there, or the client is closing; the next session tries again.
        }
    }
}
