using System.Diagnostics;
using VAI.Bench.Parts;

namespace VAI.Bench.Report;

/// <summary>What the peer does in turn with VAI: the same rounds, of prompts as long.</summary>
internal sealed class PeerMeasure(Peer peer, IReadOnlyList<string> models, int tokens, int rounds, CancellationToken cancellation)
{
    // An engine's threads spin for about 100 ms after a step, and would take the peer's cores.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    // Two models at once may take some a minute and a half.
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(20);

    private const int FewestRounds = 2;

    private readonly List<FirstToken> _firsts = [];
    private readonly List<Speeds> _speeds = [];
    private readonly PeerVocabulary[] _vocabularies = new PeerVocabulary[2];
    private TimeSpan _concurrent;
    private int _asked;

    public Peer Peer => peer;

    /// <summary>The first model's, once it is warmed up.</summary>
    public PeerVocabulary Vocabulary => _vocabularies[0];

    public SideFigures Figures => SideFigures.Of(peer.Name, _firsts, _speeds);

    /// <summary>Takes the vocabularies of the models, which VAI has loaded from the same files, and has the peer answer with each.</summary>
    public async Task WarmUpAsync(IVai vai)
    {
        for (int i = 0; i < 2; i++)
            _vocabularies[i] = new PeerVocabulary(vai.Select(models[i]));
        var warm = new WarmUp(WarmUp.MostRounds(rounds));
        while (!warm.IsDone)
        {
            double taken = 0;
            for (int i = 0; i < 2; i++)
                taken += (await AskLongAsync(i).ConfigureAwait(false)).First.TotalMilliseconds;
            warm.Add(taken);
        }
    }

    /// <summary>Four first tokens, as <see cref="SwitchRun"/> has them.</summary>
    /// <param name="round">Which one; odd ones run in reverse.</param>
    /// <param name="promptTokens">The length of VAI's prompts in that round.</param>
    public async Task SwitchAsync(int round, int promptTokens)
    {
        await Task.Delay(Pause, cancellation).ConfigureAwait(false);
        await AskAsync(0, promptTokens, SwitchBenchmarkOptions.DefaultTokensPerResponse).ConfigureAwait(false);
        (int Model, bool Switched)[] turns = round % 2 == 0
            ? [(0, false), (1, true), (1, false), (0, true)]
            : [(1, true), (1, false), (0, true), (0, false)];
        foreach ((int model, bool switched) in turns)
        {
            PeerAnswer answer = await AskAsync(model, promptTokens, SwitchBenchmarkOptions.DefaultTokensPerResponse).ConfigureAwait(false);
            _firsts.Add(new FirstToken(models[model], switched, answer.First.TotalMilliseconds));
        }
    }

    /// <summary>Both models one after the other and at once, as <see cref="Parts.ConcurrentPart"/> has them; nothing once that has taken long enough.</summary>
    public async Task ConcurrentAsync(int round)
    {
        if (_speeds.Count >= FewestRounds && _concurrent >= LongEnough)
            return;
        long begun = Stopwatch.GetTimestamp();
        await Task.Delay(Pause, cancellation).ConfigureAwait(false);
        double together = round % 2 != 0 ? await TogetherAsync().ConfigureAwait(false) : 0;
        long start = Stopwatch.GetTimestamp();
        int generated = 0;
        for (int model = 0; model < 2; model++)
            generated += (await AskLongAsync(model).ConfigureAwait(false)).Tokens;
        double alone = generated / Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (round % 2 == 0)
            together = await TogetherAsync().ConfigureAwait(false);
        _speeds.Add(new Speeds(alone, together));
        _concurrent += Stopwatch.GetElapsedTime(begun);
    }

    private async Task<double> TogetherAsync()
    {
        long start = Stopwatch.GetTimestamp();
        PeerAnswer[] answers = await Task.WhenAll(AskLongAsync(0), AskLongAsync(1)).ConfigureAwait(false);
        return answers.Sum(a => a.Tokens) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private Task<PeerAnswer> AskLongAsync(int model) => AskAsync(model, PipelineBenchmarkOptions.DefaultPromptTokens, tokens);

    private Task<PeerAnswer> AskAsync(int model, int promptTokens, int most) => peer.AskAsync(
        models[model], _vocabularies[model].Prompt(_asked++, promptTokens), most, _vocabularies[model].Ends, cancellation);
}
