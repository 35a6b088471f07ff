namespace VAI.Bench.Report;

/// <summary>A stream of the peer's, as <see cref="DecodeStream"/> is one of VAI's.</summary>
/// <remarks>
/// Nobody hangs up: a server may go on computing for a while behind that, and whoever is measured next would be measured beside it. Each request
/// asks for about as many tokens as the last window had instead.
/// </remarks>
internal sealed class PeerDecoding(Peer peer, string model, PeerVocabulary vocabulary) : IDecoding
{
    private const int PromptTokens = 8;
    private const int FewestTokens = 32;
    private const int MostTokens = 1000;
    private int _tokens = FewestTokens;
    private int _asked;

    public async Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken)
    {
        var measured = new DecodeWindow(settling, window);
        bool goesOn = true;
        while (goesOn)
        {
            int[] prompt = vocabulary.Prompt(_asked++, PromptTokens);
            await peer.AskAsync(model, prompt, _tokens, vocabulary.Ends, cancellationToken, () => goesOn = goesOn && measured.Count()).ConfigureAwait(false);
        }

        _tokens = Math.Clamp((int)(measured.TokensPerSecond * (settling + window).TotalSeconds), FewestTokens, MostTokens);
        return measured.TokensPerSecond;
    }
}
