using VAI.Remote.Wire;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Remote.Proxy;

/// <summary>
/// One InferAsync of a <see cref="ProxySession"/>: what was asked, and what was handed over of the answer, so that whoever computes it next
/// goes on behind that.
/// </summary>
internal abstract class ProxyTransaction : IAsyncDisposable
{
    private readonly ProxySession _session;
    private readonly int _before;
    private int _count;

    protected ProxyTransaction(
        ProxySession session, TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken)
    {
        _session = session;
        Text = text;
        Prompt = text is null ? prompt : null;
        Generated = [.. generated];
        _before = session.Length;
        _count = _before + prompt.Length + generated.Length;
        CancellationToken = cancellationToken;
        Either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, session.Closed);

        // Another process goes on with the same random numbers.
        Options = options with { Seed = SamplerFactory.Seed(options) };
    }

    /// <summary>Tokens of the session as the reader may see them.</summary>
    public int TokenCount => Volatile.Read(ref _count);

    public InferenceUpdate Current { get; private set; }

    protected TextPrompt? Text { get; }

    /// <summary>The prompt's tokens; null while only whoever computes it knows them.</summary>
    protected IReadOnlyList<int>? Prompt { get; private set; }

    /// <summary>What was handed over, and what was before.</summary>
    protected List<int> Generated { get; }

    /// <summary>Tokens of the session before it.</summary>
    protected int Before => _before;

    protected InferenceOptions Options { get; }

    protected CancellationToken CancellationToken { get; }

    /// <summary>Cancelled by the caller, or by the session's end.</summary>
    protected CancellationTokenSource Either { get; }

    /// <summary>It has ended, well or as if it had not been.</summary>
    protected bool Settled { get; set; }

    public abstract ValueTask<bool> MoveNextAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>How it is asked for.</summary>
    /// <param name="open">How the session is opened for it; null where it is.</param>
    protected WireInfer Infer(WireOpen? open) => new(
        Prompt is null ? Text?.Text : null, Prompt, Generated.Count == 0 ? null : Generated, Options, open is null ? _before : null, open)
    {
        Flips = Prompt is null ? Text?.Flips : null,
    };

    /// <summary>A text's tokens have become known.</summary>
    protected void Prompted(IReadOnlyList<int> prompt)
    {
        Prompt ??= prompt;
        Volatile.Write(ref _count, _before + Prompt.Count + Generated.Count);
    }

    /// <summary>Hands an update over.</summary>
    protected void Hand(InferenceUpdate update)
    {
        Current = update;
        if (update.Result is not null)
        {
            _session.Append(Prompt ?? [], Generated);
            Settled = true;
            return;
        }

        Generated.Add(update.TokenId);
        Volatile.Write(ref _count, _count + 1);
    }
}
