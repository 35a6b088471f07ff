using VAI.Remote.Proxy;
using VAI.Remote.Wire;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Remote;

/// <summary>A session that a daemon computes.</summary>
internal sealed class RemoteSession : ProxySession
{
    private readonly RemoteModel _model;
    private bool _opened;
    private bool _told;

    /// <param name="model">The model.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="id">The daemon's name for it.</param>
    /// <param name="state">What it holds.</param>
    /// <param name="opened">Whether the daemon has it already.</param>
    public RemoteSession(RemoteModel model, SessionOptions options, string id, SessionState state, bool opened)
        : base(model, options, state, model.Vai.Closing)
    {
        _model = model;
        _opened = _told = opened;
        Id = id;
    }

    /// <summary>What the daemon knows it by.</summary>
    internal string Id { get; }

    internal RemoteModel RemoteModel => _model;

    /// <summary>How the daemon is to open the session, if it may not have it.</summary>
    internal WireOpen? OpenIfNeeded()
    {
        if (_opened)
            return null;
        _told = true;
        _model.Vai.Attach();
        return new WireOpen(_model.Name, Options, Snapshot(), null, _model.Vai.ClientId);
    }

    /// <summary>Whether the daemon has the session, with the log that is here.</summary>
    internal void Opened(bool there) => _opened = there;

    internal ValueTask<bool> ReloadedAsync(VaiException refusal, CancellationToken cancellationToken) =>
        _model.Vai.Link.ReloadedAsync(_model.Name, refusal, cancellationToken);

    protected override ProxyTransaction Begin(
        TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken) =>
        new RemoteTransaction(this, text, prompt, generated, options, cancellationToken);

    protected override ValueTask<IInferenceSession> ForkedAsync(SessionOptions options, CancellationToken cancellationToken)
    {
        string child = Guid.NewGuid().ToString("N");
        return VerbAsync<IInferenceSession>(
            "fork",
            path => RemoteLink.Post(path, new WireFork(child, options, Length, OpenIfNeeded()), WireJson.Default.WireFork),
            () => new RemoteSession(_model, options, child, Snapshot(), opened: true),
            cancellationToken);
    }

    protected override ValueTask DoAsync(Verb verb, Action? then, CancellationToken cancellationToken) => DoAsync(
        verb switch
        {
            Verb.Commit => "commit",
            Verb.Rollback => "rollback",
            Verb.Park => "park",
            _ => "rebuild",
        },
        then,
        cancellationToken);

    protected override ValueTask SavedAsync(string path, CancellationToken cancellationToken) =>
        DoAsync("save", null, cancellationToken, (bytes, t) => RemoteFile.WriteAsync(path, bytes, t));

    protected override void Lose() => _opened = false;

    protected override async ValueTask LetGoAsync(bool ended)
    {
        _model.Count(-1);
        if (ended || !_told)
            return;
        try
        {
            await _model.Vai.Link.AskAsync<object>(
                () => new HttpRequestMessage(HttpMethod.Delete, $"vai/sessions/{Id}"), null, _model.Vai.Closing).ConfigureAwait(false);
        }
        catch (Exception e) when (RemoteLink.IsBreak(e) || e is VaiException or OperationCanceledException or ObjectDisposedException)
        {
            // The daemon is gone, and the session with it; or it closes the session when the client goes.
        }
    }

    private async ValueTask DoAsync(
        string verb, Action? then, CancellationToken cancellationToken, Func<Stream, CancellationToken, Task>? receive = null) => await VerbAsync<object?>(
        verb,
        url => RemoteLink.Post(url, new WireVerb(null, Length, OpenIfNeeded()), WireJson.Default.WireVerb),
        () =>
        {
            then?.Invoke();
            return null;
        },
        cancellationToken,
        receive).ConfigureAwait(false);

    private ValueTask<T> VerbAsync<T>(
        string verb, Func<string, HttpRequestMessage> request, Func<T> then, CancellationToken cancellationToken,
        Func<Stream, CancellationToken, Task>? receive = null)
    {
        return ClaimedAsync(
            async token =>
            {
                await _model.Vai.Link.RepeatAsync(_model.Name, () => OnceAsync(token), token).ConfigureAwait(false);
                _opened = true;
                return then();
            },
            cancellationToken);

        async Task<object> OnceAsync(CancellationToken token)
        {
            try
            {
                return await AskAsync(token).ConfigureAwait(false);
            }
            catch (Exception e) when (RemoteLink.IsBreak(e))
            {
                _opened = false;
                throw;
            }
            catch (VaiUsageException e) when (e.Code is VaiError.UnknownSession && _opened)
            {
                _opened = false;
                return await AskAsync(token).ConfigureAwait(false);
            }
        }

        Task<object> AskAsync(CancellationToken token) => receive is null
            ? _model.Vai.Link.AskAsync<object>(() => request($"vai/sessions/{Id}/{verb}"), null, token)
            : _model.Vai.Link.ReceiveAsync(() => request($"vai/sessions/{Id}/{verb}"), receive, token);
    }
}
