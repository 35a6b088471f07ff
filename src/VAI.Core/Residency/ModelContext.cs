using System.Diagnostics;
using System.Text;
using VAI.Native.Abi;
using VAI.Native.Llama;
using VAI.Native.Rom;
using VAI.OptionRules;
using VAI.Pipeline;
using VAI.Pipeline.Jobs;
using VAI.Pipeline.Steps;
using VAI.Sessions;
using VAI.Sram;
using VAI.Text;
using VAI.Text.Chat;

namespace VAI.Residency;

/// <summary>A resident model: llama.cpp's model and context, with the bank and the sessions on it.</summary>
internal sealed class ModelContext : IMeasuredModel, IRebuildableModel, IBatchEmbedder, IDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<Session> _sessions = [];
    private readonly EncoderCores? _texts;
    private int _switchClass;
    private int _embeddings;
    private bool _closed;
    private bool _disposed;

    public ModelContext(ModelOptions options, Weights weights, LlamaContext context, PipelineThread pipeline, ParkingLot lot, KvStashDirectory? stash = null,
        EncoderCores? texts = null)
    {
        Options = options;
        Weights = weights;
        Info = weights.Info with { Fingerprint = Fingerprint(options, weights), ChatTemplate = options.ChatTemplate ?? weights.Info.ChatTemplate };
        _switchClass = (int)weights.SwitchClass;
        Llama = context;
        Pipeline = pipeline;
        Lot = lot;
        Schedule = Schedule.For(options, weights.Info, weights.Hold?.File.Header.AlikeRows ?? 1);
        Bank = context.HasMemory
            ? new SramBank(context.Cells, context.Settings.MaxSequences, context.Settings.UnifiedKv)
            : SramBank.Unbounded(Geometry.Texts - 1);
        ContextLength = options.ContextLength!.Value;
        KvStash? copies = stash is null ? null : KvStash.For(this, stash);
        _texts = texts;
        Lane = new ModelLane(options.Name, context, Bank, Schedule, lot, copies, pipeline, options.BatchSize!.Value, texts);
        Tokenizer = new Tokenizer(options.Name, Model.Vocab);
        Templates = new ModelTemplates(options.Name, Info);
    }

    public ModelHandle Handle { get; internal set; }

    public string Name => Options.Name;

    public ModelInfo Info { get; }

    public TimeSpan LoadTime { get; internal set; }

    public bool OnGpu { get; internal init; }

    /// <summary>Whether it was to be.</summary>
    public bool WantedGpu { get; internal init; }

    public ModelMemory? Memory { get; internal init; }

    /// <summary>End with the model.</summary>
    public IReadOnlyList<IDisposable?> Claims { private get; init; } = [];

    public int ContextLength { get; }

    public int OpenSessions
    {
        get
        {
            lock (_gate)
                return _sessions.Count;
        }
    }

    /// <summary>The options it was loaded with, every default filled in.</summary>
    public ModelOptions Options { get; }

    public Weights Weights { get; }

    public LlamaModel Model => Weights.Model;

    public Tokenizer Tokenizer { get; }

    public LlamaContext Llama { get; }

    public SramBank Bank { get; }

    private ModelTemplates Templates { get; }

    public int LongestPiece => Model.Vocab.LongestPiece;

    public int SramUsed => Bank.CellsUsed;

    public PipelineThread Pipeline { get; }

    public ModelLane Lane { get; }

    public Schedule Schedule { get; }

    public ParkingLot Lot { get; }

    public IInferenceSession OpenSession(SessionOptions? options = null) => Open(options ?? new SessionOptions());

    public IInferenceSession OpenSession(SessionOptions? options, SessionState state)
    {
        int[] log = [.. state.Log.Select(e => Schedule.Exact ? e : Schedule.Id(e))];
        OptionCheck.State(state, this, Model.Vocab.Count);
        return Open(options ?? new SessionOptions(), new SessionImage(log, state.Committed, null));
    }

    public async ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ThrowIfClosed();
        var file = SessionFile.For(this);
        SessionImage image = await Task.Run(() => file.Read(path, cancellationToken), cancellationToken).ConfigureAwait(false);
        try
        {
            return Open(options ?? new SessionOptions(), image);
        }
        catch
        {
            image.Kv?.Dispose();
            throw;
        }
    }

    /// <summary>Opens a session, of an image where there is one.</summary>
    public Session Open(SessionOptions options, SessionImage? image = null)
    {
        OptionCheck.Session(options, this);
        lock (_gate)
        {
            ThrowIfClosed();
            var session = new Session(this, options, image);
            _sessions.Add(session);
            CountSessions();
            return session;
        }
    }

    public ChatTemplate GetChatTemplate(string? template = null) => Templates.Get(template);

    public ValueTask<ChatPrompt> RenderChatAsync(IReadOnlyList<ChatTurn> turns, ChatRenderOptions options, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return Templates.RenderAsync(turns, options, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<int>> TokenizeAsync(
        string text, bool addSpecial = true, bool parseSpecial = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return await TokensOfAsync(new TokenText(text, addSpecial, parseSpecial), int.MaxValue, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<int>> TokenizeAsync(ChatPrompt prompt, bool addSpecial = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return await TokensOfAsync(TokenText.Prompt(TextPrompt.Of(prompt), addSpecial ? 0 : 1), int.MaxValue, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>As <see cref="Tokenizer.TokenizeAsync(TokenText, int, CancellationToken)"/>; unloading the model ends it.</summary>
    public async ValueTask<int[]> TokensOfAsync(TokenText text, int room, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        try
        {
            return await Tokenizer.TokenizeAsync(text, room, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            ThrowIfClosed();
            throw;
        }
    }

    public ValueTask<string> DetokenizeAsync(
        IReadOnlyList<int> tokens, bool special = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        var pieces = new TokenPieces(Model.Vocab, special);
        var bytes = new List<byte>(tokens.Count * 4);
        foreach (int token in tokens)
            bytes.AddRange(pieces.Of(token));
        return new ValueTask<string>(Encoding.UTF8.GetString([.. bytes]));
    }

    public ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, CancellationToken cancellationToken) =>
        EmbedAsync(text, null, cancellationToken);

    public ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, EmbeddingOptions? options = null, CancellationToken cancellationToken = default) =>
        this.EmbedOneAsync(text, options, cancellationToken);

    public async Task<Embeddings> EmbedAllAsync(
        IReadOnlyList<EmbeddingInput> inputs, EmbeddingOptions? options, CancellationToken cancellationToken)
    {
        options ??= new EmbeddingOptions();
        cancellationToken.ThrowIfCancellationRequested();
        OptionCheck.Embedding(options, this);
        OptionCheck.Range(inputs.Count, 0, IBatchEmbedder.MostInputs, "The number of inputs");
        var times = JobTimes.From(Stopwatch.GetTimestamp(), options.Priority, options.Deadline);
        lock (_gate)
        {
            ThrowIfClosed();
            _embeddings++;
        }

        var jobs = new EmbeddingJob[inputs.Count];
        try
        {
            for (int i = 0; i < jobs.Length; i++)
                jobs[i] = new EmbeddingJob(Lane, await TokensOfAsync(inputs[i], i, jobs.Length, cancellationToken).ConfigureAwait(false), times, cancellationToken);
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static j => Cancel((EmbeddingJob[])j!), jobs);
            foreach (EmbeddingJob job in jobs)
                Lane.Submit(job);
            try
            {
                return new Embeddings(
                    await Task.WhenAll(jobs.Select(j => j.Task)).ConfigureAwait(false), jobs.Sum(j => (long)j.Target));
            }
            catch
            {
                Cancel(jobs);
                throw;
            }
        }
        finally
        {
            lock (_gate)
                _embeddings--;
        }

        static void Cancel(EmbeddingJob[] jobs)
        {
            foreach (EmbeddingJob job in jobs)
                job.Cancel();
        }
    }

    /// <summary>The class of the transaction that asks: the first one after a load pays for it.</summary>
    public SwitchClass TakeSwitchClass() => (SwitchClass)Interlocked.Exchange(ref _switchClass, (int)SwitchClass.Resident);

    /// <summary>Refuses new sessions; false, and nothing changed, while some are open or an embedding is being made.</summary>
    public bool TryClose()
    {
        lock (_gate)
        {
            if (_sessions.Count > 0 || _embeddings > 0)
                return false;
            _closed = true;
            return true;
        }
    }

    /// <summary>The engine's end: refuses new work and closes the open sessions; what they ran is cancelled. The lane's end ends the rest.</summary>
    public async Task CloseAsync()
    {
        Session[] sessions;
        lock (_gate)
        {
            _closed = _disposed = true;
            sessions = [.. _sessions];
        }

        await Task.WhenAll(sessions.Select(s => s.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    /// <summary>Gives the model its turns.</summary>
    public Task StartAsync() => Pipeline.AddAsync(Lane);

    /// <summary>Takes its turns away: nothing of it runs any more.</summary>
    public Task StopAsync() => Pipeline.RemoveAsync(Lane);

    public void Remove(Session session)
    {
        lock (_gate)
        {
            if (!_sessions.Remove(session))
                return;
            CountSessions();
        }
    }

    public void Dispose()
    {
        _texts?.Dispose();
        Llama.Dispose();
        Weights.Dispose();
        foreach (IDisposable? claim in Claims)
            claim?.Dispose();
    }

    /// <summary>Counts tokens that were generated, for the registry. No lock and no allocation.</summary>
    public void CountTokens(int tokens) => Weights.Hold?.Lease.AddTokens(tokens);

    private async ValueTask<int[]> TokensOfAsync(EmbeddingInput input, int index, int of, CancellationToken cancellationToken)
    {
        int[] tokens;
        if (input.Tokens is { } ids)
        {
            tokens = [.. ids];
            OptionCheck.Tokens(tokens, "The input", Name, Model.Vocab.Count);
        }
        else
        {
            tokens = await TokensOfAsync(new TokenText(input.Text!, AddSpecial: true, ParseSpecial: false), ContextLength, cancellationToken).ConfigureAwait(false);
        }

        return tokens.Length > 0 && tokens.Length <= ContextLength
            ? tokens
            : throw new VaiUsageException(
                VaiError.ContextFull,
                $"{(of == 1 ? "The text" : $"Text {index + 1} of the input")} has {tokens.Length} tokens; '{Name}' embeds 1 to {ContextLength}. Split it.");
    }

    // What decides an answer's tokens beside the request.
    private static string Fingerprint(ModelOptions options, Weights weights)
    {
        string rom = weights.Hold is { } hold ? Convert.ToHexStringLower(hold.File.Header.SourceDigest.AsSpan(0, 4)) : "norom";
        string build = string.Concat(NativeLoader.EnsureLoaded().Version.Where(c => char.IsAsciiLetterOrDigit(c) || c == '.'));
        string layout = options.Profile == RomProfile.Exact && weights.Hold?.File.Header.Weights == RomWeights.Packed ? "-packed" : "";
        return $"{build}-{rom}-{options.Profile.ToString().ToLowerInvariant()}{layout}";
    }

    private void CountSessions()
    {
        if (Weights.Hold is { } hold)
            hold.Lease.Sessions = _sessions.Count;
    }

    private void ThrowIfClosed()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), typeof(IVai));
        if (Volatile.Read(ref _closed))
            throw new VaiUsageException(VaiError.ModelNotLoaded, $"'{Name}' was unloaded. Load it again and select it anew.");
    }
}
