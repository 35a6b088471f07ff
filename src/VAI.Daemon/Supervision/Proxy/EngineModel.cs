using VAI.Daemon.Supervision.Link;
using VAI.OptionRules;
using VAI.Remote;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>A model that the engine has loaded, whichever that is.</summary>
internal sealed class EngineModel(EngineVai vai, ModelHandle handle, WireModel data) : IModelContext, IRebuildableModel, IBatchEmbedder
{
    private volatile WireModel _data = data;
    private volatile bool _unloaded;
    private int _sessions;
    private long _generated;

    public ModelHandle Handle => handle;

    public string Name => _data.Name;

    public ModelInfo Info => _data.Info;

    public TimeSpan LoadTime => TimeSpan.FromMilliseconds(_data.LoadMs);

    public bool OnGpu => _data.OnGpu;

    public ModelMemory? Memory => _data.Memory;

    public int ContextLength => _data.ContextLength;

    public int OpenSessions => Volatile.Read(ref _sessions);

    /// <summary>Tokens that were generated, whoever asked.</summary>
    public long Generated => Volatile.Read(ref _generated);

    internal EngineVai Vai => vai;

    /// <summary>What the engine said last.</summary>
    internal WireModel Data
    {
        set => _data = value;
    }

    internal bool IsUnloaded
    {
        set => _unloaded = value;
    }

    public IInferenceSession OpenSession(SessionOptions? options = null) => OpenSession(options, new SessionState([], 0));

    public IInferenceSession OpenSession(SessionOptions? options, SessionState state)
    {
        options ??= new SessionOptions();
        OptionCheck.Session(options, this);
        OptionCheck.State(state, this, Info.VocabularySize);
        ThrowIfUnloaded();
        return new EngineSession(this, options, state);
    }

    public async ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SessionOptions();
        OptionCheck.Session(options, this);
        ThrowIfUnloaded();
        (WireSession session, SessionPlace? place) = await vai.AskAsync(
            new Request(Name),
            async (link, request, token) =>
            {
                ulong number = link.NextSession();
                WireSession answer = await link.CallAsync(
                    new CallHead(LinkMethod.Restore, 0, number), new WireOpen(Name, options, null, Path.GetFullPath(path), null), WireJson.Default.WireOpen,
                    WireJson.Default.WireSession, token, request).ConfigureAwait(false);
                return (answer, (SessionPlace?)new SessionPlace(link, number));
            },
            cancellationToken).ConfigureAwait(false);
        return new EngineSession(this, options, session.State, place);
    }

    public async ValueTask<string> RenderChatAsync(
        IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(turns);
        WireText text = await AskAsync(
            LinkMethod.Chat, new WireChat(Name, turns, addGenerationPrompt), WireJson.Default.WireChat, WireJson.Default.WireText, cancellationToken)
            .ConfigureAwait(false);
        return text.Text;
    }

    public async ValueTask<IReadOnlyList<int>> TokenizeAsync(
        string text, bool addSpecial = true, bool parseSpecial = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        WireTokens tokens = await AskAsync(
            LinkMethod.Tokenize, new WireTokenize(Name, text, addSpecial, parseSpecial), WireJson.Default.WireTokenize, WireJson.Default.WireTokens,
            cancellationToken).ConfigureAwait(false);
        return tokens.Tokens;
    }

    public async ValueTask<string> DetokenizeAsync(
        IReadOnlyList<int> tokens, bool special = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        WireText text = await AskAsync(
            LinkMethod.Detokenize, new WireDetokenize(Name, tokens, special), WireJson.Default.WireDetokenize, WireJson.Default.WireText, cancellationToken)
            .ConfigureAwait(false);
        return text.Text;
    }

    public ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, CancellationToken cancellationToken) =>
        EmbedAsync(text, null, cancellationToken);

    public async ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, EmbeddingOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return (await EmbedAllAsync([new EmbeddingInput(text, null)], options, cancellationToken).ConfigureAwait(false)).Vectors[0];
    }

    public async Task<Embeddings> EmbedAllAsync(
        IReadOnlyList<EmbeddingInput> inputs, EmbeddingOptions? options, CancellationToken cancellationToken)
    {
        options ??= new EmbeddingOptions();
        OptionCheck.Embedding(options, this);
        WireEmbeddings embeddings = await AskAsync(
            LinkMethod.Embed, new WireEmbed(Name, inputs, options.Priority, options.Deadline), WireJson.Default.WireEmbed,
            WireJson.Default.WireEmbeddings, cancellationToken).ConfigureAwait(false);
        return embeddings.ToEmbeddings();
    }

    internal void Count(int sessions) => Interlocked.Add(ref _sessions, sessions);

    internal void CountToken() => Interlocked.Increment(ref _generated);

    private Task<TAnswer> AskAsync<TBody, TAnswer>(
        LinkMethod method, TBody body, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TBody> bodyType,
        System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken)
    {
        ThrowIfUnloaded();
        return vai.AskAsync(
            new Request(Name),
            (link, request, token) => link.CallAsync(new CallHead(method, 0, 0), body, bodyType, type, token, request),
            cancellationToken);
    }

    private void ThrowIfUnloaded()
    {
        vai.ThrowIfDisposed();
        if (_unloaded)
            throw new VaiUsageException(VaiError.ModelNotLoaded, $"'{Name}' was unloaded. Load it again and select it anew.");
    }
}

/// <summary>Where an engine has a session.</summary>
internal sealed record SessionPlace(EngineLink Link, ulong Number);
