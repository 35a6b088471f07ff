using System.Text.Json.Serialization.Metadata;
using VAI.Remote.Proxy;
using VAI.Remote.Wire;
using VAI.Sessions;

namespace VAI.Remote;

/// <summary>A model that a daemon has loaded.</summary>
internal sealed class RemoteModel(RemoteVai vai, ModelHandle handle, WireModel data) : ProxyModel(handle, data)
{
    internal RemoteVai Vai => vai;

    public override async ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options = Checked(options);
        ThrowIfUnloaded();
        string id = Guid.NewGuid().ToString("N");
        vai.Attach();
        path = SessionFile.FullPath(path);
        var open = new WireOpen(Name, options, null, null, vai.ClientId);
        try
        {
            WireSession session = await vai.WhileOpenAsync(
                token => vai.Link.RepeatAsync(
                    Name,
                    () => vai.Link.AskAsync(() => RemoteFile.Post($"vai/sessions/{id}/restore", path, open), WireJson.Default.WireSession, token),
                    token),
                cancellationToken).ConfigureAwait(false);
            return new RemoteSession(this, options, id, session.State, opened: true);
        }
        catch (VaiUsageException e) when (e.Message.StartsWith(RemoteFile.Sent, StringComparison.Ordinal))
        {
            throw new VaiUsageException(e.Code, path + e.Message[RemoteFile.Sent.Length..], e);
        }
    }

    internal override void ThrowIfDisposed() => vai.ThrowIfDisposed();

    protected override IInferenceSession Open(SessionOptions options, SessionState state) =>
        new RemoteSession(this, options, Guid.NewGuid().ToString("N"), state, opened: false);

    protected override Task<TAnswer> AskAsync<TBody, TAnswer>(
        ModelQuestion question, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken)
    {
        string path = question switch
        {
            ModelQuestion.Tokenize => "vai/models/tokenize",
            ModelQuestion.Detokenize => "vai/models/detokenize",
            _ => "vai/models/embed",
        };
        return vai.WhileOpenAsync(token => vai.Link.PostAsync(path, Name, body, bodyType, type, token), cancellationToken);
    }
}
