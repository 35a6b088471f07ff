namespace VAI.Bench.Report;

/// <summary>A stream of the peer's, as <see cref="DecodeStream"/> is one of VAI's.</summary>
/// <remarks>
/// Nobody hangs up: a server may go on computing for a while behind that, and whoever is measured next would be measured beside it. So each request asks
/// for what a part of the window has time for, by the speed of the one before it, beside the same busy threads: some servers are a hundred times as slow
/// there from one moment to the next. A request's way and its prompt do not count.
/// </remarks>
/// <param name="ask">Asks for so many tokens, after a prompt that is new.</param>
internal sealed class PeerDecoding(Func<int, CancellationToken, Task<PeerAnswer>> ask) : IDecoding
{
    private const int FewestTokens = 4;
    private const int MostTokens = 1000;
    private const int Parts = 4;

    // What a window may be short of, rather than another request for it.
    private const double Enough = 0.9;

    public async Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken)
    {
        // Twice as many each time: the first of them is over soon, however slow the peer is, and the last is long enough to tell by.
        TimeSpan settled = TimeSpan.Zero;
        PeerAnswer last;
        int tokens = FewestTokens;
        do
        {
            last = await ask(tokens, cancellationToken).ConfigureAwait(false);
            settled += last.Total;
            tokens = Math.Min(2 * tokens, MostTokens);
        }
        while (settled < settling);

        // One that took as long as all of the window has said what there is to say.
        var (taken, generated) = Decoding(last) >= window ? (Decoding(last), Gaps(last)) : (TimeSpan.Zero, 0);
        while (taken < Enough * window)
        {
            double wanted = window / Parts / Decoding(last) * Gaps(last);
            last = await ask((int)Math.Clamp(Math.Ceiling(wanted), FewestTokens, MostTokens), cancellationToken).ConfigureAwait(false);
            (taken, generated) = (taken + Decoding(last), generated + Gaps(last));
        }

        return generated / taken.TotalSeconds;
    }

    private static int Gaps(PeerAnswer answer) => Math.Max(1, answer.Tokens - 1);

    // A peer may send all it has in one piece.
    private static TimeSpan Decoding(PeerAnswer answer) => answer.Total - answer.First is { Ticks: > 0 } time ? time : answer.Total;
}
