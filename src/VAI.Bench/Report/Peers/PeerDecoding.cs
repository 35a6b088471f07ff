namespace VAI.Bench.Report;

/// <summary>A stream of the peer's, as <see cref="DecodeStream"/> is one of VAI's.</summary>
/// <remarks>
/// Nobody hangs up: a server may go on computing for a while behind that, and whoever is measured next would be measured beside it. So it is asked for
/// little, again and again: beside busy threads some servers are a hundred times as slow in one request as in the one before. A request's way and its
/// prompt do not count.
/// </remarks>
/// <param name="ask">Asks for so many tokens, after a prompt that is new.</param>
internal sealed class PeerDecoding(Func<int, CancellationToken, Task<PeerAnswer>> ask) : IDecoding
{
    private const int Tokens = 8;

    public async Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken)
    {
        var (taken, generated) = (TimeSpan.Zero, 0);
        for (TimeSpan settled = TimeSpan.Zero; taken < window;)
        {
            PeerAnswer answer = await ask(Tokens, cancellationToken).ConfigureAwait(false);
            TimeSpan decoding = Decoding(answer);

            // One that took as long as the window has said what there is to say.
            if (settled >= settling || decoding >= window)
                (taken, generated) = (taken + decoding, generated + Math.Max(1, answer.Tokens - 1));
            settled += answer.Total;
        }

        return generated / taken.TotalSeconds;
    }

    // A peer may send all it has in one piece.
    private static TimeSpan Decoding(PeerAnswer answer) => answer.Total - answer.First is { Ticks: > 0 } time ? time : answer.Total;
}
