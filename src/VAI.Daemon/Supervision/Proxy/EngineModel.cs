using System.Text.Json.Serialization.Metadata;
using VAI.Daemon.Supervision.Link;
using VAI.Remote.Proxy;
using VAI.Remote.Wire;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>A model that the engine has loaded, whichever that is.</summary>
internal sealed class EngineModel(EngineVai vai, ModelHandle handle, WireModel data) : ProxyModel(handle, data)
{
    private long _generated;
    private int _longest;

    /// <summary>Tokens that were generated, whoever asked.</summary>
    public long Generated => Volatile.Read(ref _generated);

    internal EngineVai Vai => vai;

    public override async ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options = Checked(options);
        ThrowIfUnloaded();
        (WireSession session, SessionPlace? place) = await vai.AskAsync(
            new Request(Name),
            async (link, request, token) =>
            {
                ulong number = link.NextSession();
                WireSession answer = await link.OpeningAsync(number, link.CallAsync(
                    new CallHead(LinkMethod.Restore, 0, number), new WireOpen(Name, options, null, SessionFile.FullPath(path), null), WireJson.Default.WireOpen,
                    WireJson.Default.WireSession, token, request)).ConfigureAwait(false);
                return (answer, (SessionPlace?)new SessionPlace(link, number));
            },
            cancellationToken).ConfigureAwait(false);
        return new EngineSession(this, options, session.State, place);
    }

    /// <summary>Refuses a prompt that certainly does not fit, here: to an engine and back it would be in the way of others.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.ContextFull"/>.</exception>
    internal async ValueTask CheckRoomAsync(string prompt, int held, CancellationToken cancellationToken)
    {
        int room = this.RoomBehind(held);
        if (TextBound.Suspicious(prompt, room) is not (> 0 and int bytes))
            return;
        if (_longest == 0)
        {
            // The same of each engine: it is the file's.
            WireLongest longest = await vai.AskAsync(
                new Request(Name),
                (link, request, token) => link.CallAsync(
                    new CallHead(LinkMethod.Longest, 0, 0), new WireUnload(Name), WireJson.Default.WireUnload, WireJson.Default.WireLongest, token, request),
                cancellationToken).ConfigureAwait(false);
            _longest = longest.Bytes;
        }

        TextBound.Check(Name, bytes, room, _longest);
    }

    internal void CountToken() => Interlocked.Increment(ref _generated);

    internal override void ThrowIfDisposed() => vai.ThrowIfDisposed();

    protected override IInferenceSession Open(SessionOptions options, SessionState state) => new EngineSession(this, options, state);

    protected override Task<TAnswer> AskAsync<TBody, TAnswer>(
        ModelQuestion question, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken)
    {
        LinkMethod method = question switch
        {
            ModelQuestion.Tokenize => LinkMethod.Tokenize,
            ModelQuestion.Detokenize => LinkMethod.Detokenize,
            _ => LinkMethod.Embed,
        };
        return vai.AskAsync(
            new Request(Name),
            (link, request, token) => link.CallAsync(new CallHead(method, 0, 0), body, bodyType, type, token, request),
            cancellationToken);
    }
}

/// <summary>Where an engine has a session.</summary>
internal sealed record SessionPlace(EngineLink Link, ulong Number);
