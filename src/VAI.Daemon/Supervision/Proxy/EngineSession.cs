using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using VAI.Daemon.Supervision.Link;
using VAI.Remote.Proxy;
using VAI.Remote.Wire;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>A session that an engine computes, whichever that is.</summary>
internal sealed class EngineSession : ProxySession
{
    private readonly EngineModel _model;
    private SessionPlace? _place;

    /// <param name="model">The model.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="state">What it holds.</param>
    /// <param name="place">Where an engine has it, with that; null for nowhere.</param>
    public EngineSession(EngineModel model, SessionOptions options, SessionState state, SessionPlace? place = null)
        : base(model, options, state, model.Vai.Closing)
    {
        _model = model;
        _place = place;
    }

    internal EngineModel EngineModel => _model;

    internal int Credit => Options.BufferedUpdates;

    /// <summary>Where it is at that engine, and how it is to be opened there if it is not.</summary>
    internal (SessionPlace Place, WireOpen? Open) PlaceAt(EngineLink link)
    {
        if (_place is { } place && place.Link == link)
            return (place, null);
        Leave();
        return (new SessionPlace(link, link.NextSession()), new WireOpen(_model.Name, Options, Snapshot(), null, null));
    }

    /// <summary>An engine has it, with the log that is here.</summary>
    internal void Settle(SessionPlace place) => _place = place;

    /// <summary>What an engine has of it is not known, or not what is here: the next request opens it anew.</summary>
    internal void Leave()
    {
        if (_place is { } place && !place.Link.HasEnded)
            place.Link.Forget(place.Number);
        _place = null;
    }

    protected override ProxyTransaction Begin(
        TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken) =>
        new EngineTransaction(this, text, prompt, generated, options, cancellationToken);

    protected override ValueTask<IInferenceSession> ForkedAsync(SessionOptions options, CancellationToken cancellationToken) =>
        VerbAsync<IInferenceSession>(
            async (place, open, request, token) =>
            {
                ulong child = place.Link.NextSession();
                await place.Link.OpeningAsync(child, CallAsync(
                    LinkMethod.Fork, place, new WireFork(child.ToString(CultureInfo.InvariantCulture), options, At(open), open),
                    WireJson.Default.WireFork, request, token)).ConfigureAwait(false);
                return new EngineSession(_model, options, Snapshot(), new SessionPlace(place.Link, child));
            },
            cancellationToken);

    protected override ValueTask DoAsync(Verb verb, Action? then, CancellationToken cancellationToken) => DoAsync(
        verb switch
        {
            Verb.Commit => LinkMethod.Commit,
            Verb.Rollback => LinkMethod.Rollback,
            Verb.Park => LinkMethod.Park,
            _ => LinkMethod.Rebuild,
        },
        null,
        then,
        cancellationToken);

    protected override ValueTask SavedAsync(string path, CancellationToken cancellationToken) =>
        DoAsync(LinkMethod.Save, path, null, cancellationToken);

    protected override void Lose() => Leave();

    protected override async ValueTask LetGoAsync(bool ended)
    {
        if (_place is { } place)
        {
            try
            {
                // So that who is told that it is closed finds its place free.
                await place.Link.CallAsync(
                    new CallHead(LinkMethod.Close, 0, place.Number), new WireVerb(null, null, null), WireJson.Default.WireVerb, _model.Vai.Closing).ConfigureAwait(false);
            }
            catch (Exception e) when (e is VaiException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The engine is gone, and the session with it.
            }
        }

        _model.Count(-1);
    }

    private static Task<byte[]> CallAsync<TBody>(
        LinkMethod method, SessionPlace place, TBody body, JsonTypeInfo<TBody> type, Request request, CancellationToken cancellationToken) =>
        place.Link.CallAsync(new CallHead(method, 0, place.Number), body, type, cancellationToken, request);

    private int? At(WireOpen? open) => open is null ? Length : null;

    private async ValueTask DoAsync(LinkMethod method, string? path, Action? then, CancellationToken cancellationToken) => await VerbAsync<object?>(
        async (place, open, request, token) =>
        {
            await CallAsync(method, place, new WireVerb(path, At(open), open), WireJson.Default.WireVerb, request, token).ConfigureAwait(false);
            then?.Invoke();
            return null;
        },
        cancellationToken).ConfigureAwait(false);

    private ValueTask<T> VerbAsync<T>(
        Func<SessionPlace, WireOpen?, Request, CancellationToken, Task<T>> verb, CancellationToken cancellationToken) => ClaimedAsync(
        either => _model.Vai.AskAsync(
            new Request(_model.Name),
            async (link, request, token) =>
            {
                (SessionPlace place, WireOpen? open) = PlaceAt(link);
                _place = place;
                return await verb(place, open, request, token).ConfigureAwait(false);
            },
            either),
        cancellationToken);
}
