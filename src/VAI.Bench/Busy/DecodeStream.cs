using System.Diagnostics;
using VAI.Bench.Parts;

namespace VAI.Bench;

/// <summary>One stream of tokens of a model, looked at while it runs. Streams of other numbers have other prompts.</summary>
internal sealed class DecodeStream(IModelContext model, int number = 0) : IDecoding
{
    private const int PromptTokens = 8;
    private const int PromptsOfAStream = 1000;
    private readonly Subject _subject = new(model, default, number * PromptsOfAStream);

    public async Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken)
    {
        var measured = new DecodeWindow(settling, window);
        await RunAsync(_ => measured.Count(), cancellationToken).ConfigureAwait(false);
        return measured.TokensPerSecond;
    }

    /// <summary>How long after something was done the stream is as fast as that.</summary>
    public async Task<TimeSpan> ReachAsync(
        Action act, TimeSpan before, TimeSpan slice, double tokensPerSecond, TimeSpan longest, CancellationToken cancellationToken)
    {
        long begun = Stopwatch.GetTimestamp(), acted = 0, from = 0;
        int tokens = 0;
        TimeSpan reached = longest;
        await RunAsync(
            at =>
            {
                if (acted == 0)
                {
                    if (Stopwatch.GetElapsedTime(begun, at) >= before)
                    {
                        act();
                        acted = from = Stopwatch.GetTimestamp();
                    }

                    return true;
                }

                tokens++;
                TimeSpan since = Stopwatch.GetElapsedTime(from, at);
                if (since < slice)
                    return true;
                if (tokens / since.TotalSeconds >= tokensPerSecond)
                {
                    // As fast as that from the slice's beginning on.
                    reached = Stopwatch.GetElapsedTime(acted, from);
                    return false;
                }

                (from, tokens) = (at, 0);
                return Stopwatch.GetElapsedTime(acted, at) < longest;
            },
            cancellationToken).ConfigureAwait(false);
        return reached;
    }

    /// <summary>Generates, for as long as who is told of each token wants more.</summary>
    private async Task RunAsync(Func<long, bool> more, CancellationToken cancellationToken)
    {
        int[] prompt = _subject.Prompt(PromptTokens);
        bool goesOn = true;
        while (goesOn)
        {
            // Long enough to be a stream, and short enough for the context.
            IInferenceSession session = model.OpenSession();
            await using (session.ConfigureAwait(false))
            {
                InferenceOptions options = _subject.Endless with { MaxTokens = Math.Min(1000, model.ContextLength - PromptTokens - 1) };
                await foreach (InferenceUpdate update in session.InferAsync(prompt, options, cancellationToken).ConfigureAwait(false))
                {
                    if (update.Result is null && !(goesOn = more(Stopwatch.GetTimestamp())))
                        break;
                }
            }
        }
    }
}
