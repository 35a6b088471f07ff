namespace VAI.Bench.Report;

/// <summary>A stream of the peer's, as <see cref="DecodeStream"/> is one of VAI's.</summary>
internal sealed class PeerDecoding(Peer peer, string model, PeerVocabulary vocabulary) : IDecoding
{
    private const int PromptTokens = 8;
    private const int MostTokens = 1000;
    private int _asked;

    public async Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken)
    {
        var measured = new DecodeWindow(settling, window);
        bool goesOn = true;
        while (goesOn)
        {
            // The first token comes behind the prompt's.
            int[] prompt = vocabulary.Prompt(_asked++, PromptTokens);
            await peer.AskAsync(model, prompt, MostTokens, vocabulary.Ends, cancellationToken, () => goesOn = measured.Count()).ConfigureAwait(false);
        }

        return measured.TokensPerSecond;
    }
}
