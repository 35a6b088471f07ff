using System.Text.Json.Serialization.Metadata;
using VAI.OptionRules;
using VAI.Remote.Wire;
using VAI.Residency;
using VAI.Sessions;
using VAI.Text;
using VAI.Text.Chat;

namespace VAI.Remote.Proxy;

/// <summary>What is asked of a model without a session.</summary>
internal enum ModelQuestion
{
    Tokenize,
    Detokenize,
    Embed,
}

/// <summary>A model that another process has loaded: what is the same however that process is reached.</summary>
internal abstract class ProxyModel(ModelHandle handle, WireModel data) : IModelContext, IRebuildableModel, IBatchEmbedder
{
    private volatile WireModel _data = data;
    private volatile ModelTemplates? _templates;
    private volatile bool _unloaded;
    private int _sessions;

    public ModelHandle Handle => handle;

    public string Name => _data.Name;

    public ModelInfo Info => _data.Info;

    public TimeSpan LoadTime => TimeSpan.FromMilliseconds(_data.LoadMs);

    public bool OnGpu => _data.OnGpu;

    public ModelMemory? Memory => _data.Memory;

    public int ContextLength => _data.ContextLength;

    /// <summary>Those opened here; the other process may have others.</summary>
    public int OpenSessions => Volatile.Read(ref _sessions);

    /// <summary>What the other process said last.</summary>
    internal WireModel Data
    {
        set => _data = value;
    }

    internal bool Unloaded
    {
        set => _unloaded = value;
    }

    private ModelTemplates Templates
    {
        get
        {
            // What is loaded anew may have another.
            ModelTemplates? templates = _templates;
            if (templates is null || !templates.AreOf(Info))
                _templates = templates = new ModelTemplates(Name, Info);
            return templates;
        }
    }

    public IInferenceSession OpenSession(SessionOptions? options = null) => OpenSession(options, new SessionState([], 0));

    public IInferenceSession OpenSession(SessionOptions? options, SessionState state)
    {
        options = Checked(options);
        OptionCheck.State(state, this, Info.VocabularySize);
        ThrowIfUnloaded();
        return Open(options, state);
    }

    public abstract ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default);

    public ChatTemplate GetChatTemplate(string? template = null) => Templates.Get(template);

    // Here: what a template needs of the model is known, and nobody is asked.
    public ValueTask<ChatPrompt> RenderChatAsync(IReadOnlyList<ChatTurn> turns, ChatRenderOptions options, CancellationToken cancellationToken = default)
    {
        ThrowIfUnloaded();
        return Templates.RenderAsync(turns, options, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<int>> TokenizeAsync(
        string text, bool addSpecial = true, bool parseSpecial = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return await TokensOfAsync(new WireTokenize(Name, text, addSpecial, parseSpecial), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<int>> TokenizeAsync(ChatPrompt prompt, bool addSpecial = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return await TokensOfAsync(TokenText.Prompt(TextPrompt.Of(prompt), addSpecial ? 0 : 1), int.MaxValue, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<int[]> TokensOfAsync(TokenText text, int room, CancellationToken cancellationToken) =>
        [.. await TokensOfAsync(WireTokenize.Of(Name, text, room), cancellationToken).ConfigureAwait(false)];

    public async ValueTask<string> DetokenizeAsync(
        IReadOnlyList<int> tokens, bool special = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ThrowIfUnloaded();
        WireText text = await AskAsync(
            ModelQuestion.Detokenize, new WireDetokenize(Name, tokens, special), WireJson.Default.WireDetokenize, WireJson.Default.WireText,
            cancellationToken).ConfigureAwait(false);
        return text.Text;
    }

    public ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, CancellationToken cancellationToken) =>
        EmbedAsync(text, null, cancellationToken);

    public ValueTask<ReadOnlyMemory<float>> EmbedAsync(
        string text, EmbeddingOptions? options = null, CancellationToken cancellationToken = default) =>
        this.EmbedOneAsync(text, options, cancellationToken);

    public async Task<Embeddings> EmbedAllAsync(
        IReadOnlyList<EmbeddingInput> inputs, EmbeddingOptions? options, CancellationToken cancellationToken)
    {
        options ??= new EmbeddingOptions();
        OptionCheck.Embedding(options, this);
        ThrowIfUnloaded();
        WireEmbeddings embeddings = await AskAsync(
            ModelQuestion.Embed, new WireEmbed(Name, inputs, options.Priority, options.Deadline), WireJson.Default.WireEmbed,
            WireJson.Default.WireEmbeddings, cancellationToken).ConfigureAwait(false);
        return embeddings.ToEmbeddings();
    }

    internal void Count(int sessions) => Interlocked.Add(ref _sessions, sessions);

    /// <summary>Whoever it was loaded by was disposed.</summary>
    internal abstract void ThrowIfDisposed();

    protected abstract IInferenceSession Open(SessionOptions options, SessionState state);

    protected abstract Task<TAnswer> AskAsync<TBody, TAnswer>(
        ModelQuestion question, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken);

    protected SessionOptions Checked(SessionOptions? options)
    {
        options ??= new SessionOptions();
        OptionCheck.Session(options, this);
        return options;
    }

    protected void ThrowIfUnloaded()
    {
        ThrowIfDisposed();
        if (_unloaded)
            throw new VaiUsageException(VaiError.ModelNotLoaded, $"'{Name}' was unloaded. Load it again and select it anew.");
    }

    private async ValueTask<IReadOnlyList<int>> TokensOfAsync(WireTokenize question, CancellationToken cancellationToken)
    {
        ThrowIfUnloaded();
        WireTokens tokens = await AskAsync(
            ModelQuestion.Tokenize, question, WireJson.Default.WireTokenize, WireJson.Default.WireTokens, cancellationToken).ConfigureAwait(false);
        return tokens.Tokens;
    }
}
