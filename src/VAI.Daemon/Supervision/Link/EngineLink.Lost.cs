using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision.Link;

/// <content>
/// What is asked here and what the engine knows of, compared: one that both sides do not agree on would be waited for without end, however well the
/// engine is.
/// </content>
/// <remarks>
/// Frames come in the order in which they were sent, and an engine forgets what it was asked after it has answered. So what it does not know,
/// and is still open here when it has said so, it has lost; unless its question was only just being sent, which is over by the next round.
/// </remarks>
internal sealed partial class EngineLink
{
    private const int Rounds = 2;

    private int _comparing;

    /// <summary>
    /// One round: asks about those of which nothing came since the last one. What the engine knew nothing of twice is ended here as by the
    /// engine's end, so that whoever asked asks again.
    /// </summary>
    /// <returns>Those that were ended.</returns>
    public async Task<IReadOnlyList<Exchange>> CompareAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _comparing, 1) != 0)
            return [];
        try
        {
            Exchange[] silent = Silent();
            if (silent.Length == 0)
                return [];
            WireIds unknown = await CallAsync(
                new CallHead(LinkMethod.Unknown, 0, 0), new WireIds([.. silent.Select(e => e.Id)]), WireJson.Default.WireIds, WireJson.Default.WireIds,
                cancellationToken).ConfigureAwait(false);
            Exchange[] lost = Lost(silent, [.. unknown.Ids]);
            foreach (Exchange exchange in lost)
                exchange.Lose(new LinkEndedException("the engine process knows nothing of it any more"));
            return lost;
        }
        finally
        {
            Volatile.Write(ref _comparing, 0);
        }
    }

    private Exchange[] Silent()
    {
        lock (_gate)
            return [.. _open.Values.Where(e => ++e.Silent > 1)];
    }

    private Exchange[] Lost(Exchange[] silent, HashSet<ulong> unknown)
    {
        lock (_gate)
        {
            foreach (Exchange exchange in silent)
                exchange.Unknown = unknown.Contains(exchange.Id) ? exchange.Unknown + 1 : 0;
            return [.. silent.Where(e => e.Unknown >= Rounds && _open.Remove(e.Id))];
        }
    }
}
