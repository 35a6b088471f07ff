using VAI.OptionRules;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Remote;

/// <summary>A model that a daemon has loaded.</summary>
internal sealed class RemoteModel(RemoteVai vai, ModelHandle handle, WireModel data) : IModelContext, IRebuildableModel, IBatchEmbedder
{
    private volatile WireModel _data = data;
    private volatile bool _unloaded;
    private int _sessions;

    public ModelHandle Handle => handle;

    public string Name => _data.Name;

    public ModelInfo Info => _data.Info;

    public TimeSpan LoadTime => TimeSpan.FromMilliseconds(_data.LoadMs);

    public bool OnGpu => _data.OnGpu;

    public ModelMemory? Memory => _data.Memory;

    public int ContextLength => _data.ContextLength;

    /// <summary>This client's; the daemon may have others.</summary>
    public int OpenSessions => Volatile.Read(ref _sessions);

    internal RemoteVai Vai => vai;

    /// <summary>What the daemon said last.</summary>
    internal WireModel Data
    {
        set => _data = value;
    }

    internal bool Unloaded
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
        return new RemoteSession(this, options, Guid.NewGuid().ToString("N"), state, opened: false);
    }

    public async ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SessionOptions();
        OptionCheck.Session(options, this);
        ThrowIfUnloaded();
        string id = Guid.NewGuid().ToString("N");
        vai.Attach();
        path = Path.GetFullPath(path);
        var open = new WireOpen(Name, options, null, null, vai.ClientId);
        WireSession session = await vai.Link.RepeatAsync(
            Name,
            () => vai.Link.AskAsync(
                () => RemoteFile.Post($"vai/sessions/{id}/restore", path, open), WireJson.Default.WireSession, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        return new RemoteSession(this, options, id, session.State, opened: true);
    }

    public async ValueTask<string> RenderChatAsync(
        IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(turns);
        ThrowIfUnloaded();
        WireText text = await vai.Link.PostAsync(
            "vai/models/chat", Name, new WireChat(Name, turns, addGenerationPrompt), WireJson.Default.WireChat, WireJson.Default.WireText, cancellationToken)
            .ConfigureAwait(false);
        return text.Text;
    }

    public async ValueTask<IReadOnlyList<int>> TokenizeAsync(
        string text, bool addSpecial = true, bool parseSpecial = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        ThrowIfUnloaded();
        WireTokens tokens = await vai.Link.PostAsync(
            "vai/models/tokenize",
            Name,
            new WireTokenize(Name, text, addSpecial, parseSpecial),
            WireJson.Default.WireTokenize,
            WireJson.Default.WireTokens,
            cancellationToken).ConfigureAwait(false);
        return tokens.Tokens;
    }

    public async ValueTask<string> DetokenizeAsync(
        IReadOnlyList<int> tokens, bool special = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ThrowIfUnloaded();
        WireText text = await vai.Link.PostAsync(
            "vai/models/detokenize",
            Name,
            new WireDetokenize(Name, tokens, special),
            WireJson.Default.WireDetokenize,
            WireJson.Default.WireText,
            cancellationToken).ConfigureAwait(false);
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
        ThrowIfUnloaded();
        WireEmbeddings embeddings = await vai.Link.PostAsync(
            "vai/models/embed", Name, new WireEmbed(Name, inputs, options.Priority, options.Deadline),
            WireJson.Default.WireEmbed, WireJson.Default.WireEmbeddings, cancellationToken).ConfigureAwait(false);
        return embeddings.ToEmbeddings();
    }

    internal void Count(int sessions) => Interlocked.Add(ref _sessions, sessions);

    private void ThrowIfUnloaded()
    {
        vai.ThrowIfDisposed();
        if (_unloaded)
            throw new VaiUsageException(VaiError.ModelNotLoaded, $"'{Name}' was unloaded. Load it again and select it anew.");
    }
}
