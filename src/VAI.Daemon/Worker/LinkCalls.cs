using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VAI.Daemon.Api;
using VAI.Daemon.Metrics;
using VAI.Daemon.Supervision.Link;
using VAI.OptionRules;
using VAI.Remote.Wire;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Daemon.Worker;

/// <summary>What an engine does of what it is asked: models, and the sessions that the supervisor has numbered. Thread-safe.</summary>
/// <param name="vai">The engine.</param>
/// <param name="preparable">The same; null for one that cannot be prepared.</param>
internal sealed class LinkCalls(IVai vai, IPreparable? preparable) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, ServedSession> _sessions = [];
    private readonly PrometheusExporter _metrics = new();

    public async Task<byte[]> DoAsync(CallHead head, byte[] document, Action<WireLoadEvent> tell, CancellationToken cancellationToken)
    {
        switch (head.Method)
        {
            case LinkMethod.Load:
                return Of(await LoadAsync(Read<WireModelRequest>(document), tell, cancellationToken).ConfigureAwait(false), WireJson.Default.WireModel);
            case LinkMethod.Unload:
                await vai.UnloadAsync(vai.Select(Read<WireUnload>(document).Name).Handle, cancellationToken).ConfigureAwait(false);
                return [];
            case LinkMethod.Prepare:
                await Preparable().PrepareAsync(Read<WirePrepare>(document).Models, cancellationToken).ConfigureAwait(false);
                return [];
            case LinkMethod.LoadReady:
                await LoadReadyAsync(Read<WirePrepare>(document).Models, cancellationToken).ConfigureAwait(false);
                return [];
            case LinkMethod.Plan:
                return Of(await PlanAsync(Read<WireModelRequest>(document), cancellationToken).ConfigureAwait(false), WireJson.Default.MemoryPlan);
            case LinkMethod.Devices:
                return Of(await vai.DevicesAsync(cancellationToken).ConfigureAwait(false), WireJson.Default.IReadOnlyListComputeDevice);
            case LinkMethod.Status:
                return Of([.. vai.Models.Select(Status)], WireJson.Default.IReadOnlyListWireModelStatus);
            case LinkMethod.Metrics:
                return Of(new WireText(_metrics.Write()), WireJson.Default.WireText);
            case LinkMethod.Tokenize or LinkMethod.Detokenize or LinkMethod.Embed:
                return await AskAsync(head.Method, document, cancellationToken).ConfigureAwait(false);
            case LinkMethod.Longest:
                return Of(new WireLongest(((IMeasuredModel)vai.Select(Read<WireUnload>(document).Name)).LongestPiece), WireJson.Default.WireLongest);
            case LinkMethod.Close:
                await CloseAsync(head.Session).ConfigureAwait(false);
                return [];
            case LinkMethod.Restore:
                return Of(await RestoreAsync(head.Session, Read<WireOpen>(document), cancellationToken).ConfigureAwait(false), WireJson.Default.WireSession);
            case LinkMethod.Fork:
                await ForkAsync(head.Session, Read<WireFork>(document), cancellationToken).ConfigureAwait(false);
                return [];
            case LinkMethod.Commit or LinkMethod.Rollback or LinkMethod.Park or LinkMethod.Rebuild or LinkMethod.Save:
                await VerbAsync(head, Read<WireVerb>(document), cancellationToken).ConfigureAwait(false);
                return [];
            default:
                throw OptionCheck.Invalid($"The engine knows no method {(ushort)head.Method}.");
        }
    }

    /// <summary>A session: there already, or opened now.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.UnknownSession"/>: it is not here, or of another length; or as for opening.</exception>
    public async ValueTask<ServedSession> OpenAsync(ulong number, WireOpen? open, int? at, CancellationToken cancellationToken)
    {
        ServedSession? there;
        lock (_gate)
            there = _sessions.GetValueOrDefault(number);
        if (open is not null)
        {
            if (there is not null)
                await CloseAsync(number).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            var model = (IRebuildableModel)vai.Select(open.Model);
            there = await AddAsync(
                number, open.State is { } state ? model.OpenSession(open.Options, state) : model.OpenSession(open.Options), cancellationToken).ConfigureAwait(false);
        }

        return there is not null && (at is null || there.Session.TokenCount == at)
            ? there
            : throw new VaiUsageException(VaiError.UnknownSession, $"Session {number} is not here, or holds something else.");
    }

    public void Dispose() => _metrics.Dispose();

    private async Task<WireModel> LoadAsync(WireModelRequest request, Action<WireLoadEvent> tell, CancellationToken cancellationToken)
    {
        Poison.Model(request.Model?.Name ?? "");
        ModelHandle handle = await vai.LoadAsync(ApiJson.Needed(request.Model, "model"), new Teller(tell), cancellationToken).ConfigureAwait(false);
        return ModelApi.Describe(vai.Select(handle));
    }

    private async Task LoadReadyAsync(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken)
    {
        foreach (ModelOptions model in models)
            Poison.Model(model.Name);
        await Preparable().LoadReadyAsync(models, cancellationToken).ConfigureAwait(false);
    }

    private async Task<MemoryPlan> PlanAsync(WireModelRequest request, CancellationToken cancellationToken) => request.Model is { } model
        ? await vai.PlanAsync(model, cancellationToken).ConfigureAwait(false)
        : await vai.PlanAsync(ApiJson.Needed(request.Name, "name"), cancellationToken).ConfigureAwait(false);

    private async Task<byte[]> AskAsync(LinkMethod method, byte[] document, CancellationToken cancellationToken)
    {
        switch (method)
        {
            case LinkMethod.Tokenize:
                WireTokenize text = Read<WireTokenize>(document);
                Poison.Prompt(text.Text);
                return Of(
                    new WireTokens(await ((IRebuildableModel)vai.Select(text.Model)).TokensOfAsync(
                        text.ToText(), text.Room ?? int.MaxValue, cancellationToken).ConfigureAwait(false)),
                    WireJson.Default.WireTokens);
            case LinkMethod.Detokenize:
                WireDetokenize tokens = Read<WireDetokenize>(document);
                return Of(
                    new WireText(await vai.Select(tokens.Model).DetokenizeAsync(tokens.Tokens, tokens.Special, cancellationToken).ConfigureAwait(false)),
                    WireJson.Default.WireText);
            default:
                WireEmbed embed = Read<WireEmbed>(document);
                var options = new EmbeddingOptions { Priority = embed.Priority, Deadline = embed.Deadline };
                return Of(
                    WireEmbeddings.Of(await ((IBatchEmbedder)vai.Select(embed.Model)).EmbedAllAsync(embed.Inputs, options, cancellationToken).ConfigureAwait(false)),
                    WireJson.Default.WireEmbeddings);
        }
    }

    private async Task<WireSession> RestoreAsync(ulong number, WireOpen open, CancellationToken cancellationToken)
    {
        IModelContext model = vai.Select(open.Model);
        ServedSession served = await AddAsync(
            number, await model.RestoreSessionAsync(ApiJson.Needed(open.Saved, "saved"), open.Options, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        return new WireSession(number.ToString(CultureInfo.InvariantCulture), model.Name, served.Session.State);
    }

    private async Task ForkAsync(ulong number, WireFork fork, CancellationToken cancellationToken)
    {
        ServedSession served = await OpenAsync(number, fork.Open, fork.At, cancellationToken).ConfigureAwait(false);
        await AddAsync(
            ulong.Parse(fork.Child, CultureInfo.InvariantCulture), await served.Session.ForkAsync(fork.Options, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
    }

    private async Task VerbAsync(CallHead head, WireVerb verb, CancellationToken cancellationToken)
    {
        IInferenceSession session = (await OpenAsync(head.Session, verb.Open, verb.At, cancellationToken).ConfigureAwait(false)).Session;
        await (head.Method switch
        {
            LinkMethod.Commit => session.CommitAsync(cancellationToken).AsTask(),
            LinkMethod.Rollback => session.RollbackAsync(cancellationToken).AsTask(),
            LinkMethod.Park => session.ParkAsync(cancellationToken).AsTask(),
            LinkMethod.Rebuild => session.RebuildAsync(cancellationToken).AsTask(),
            _ => session.SaveAsync(ApiJson.Needed(verb.Name, "name"), cancellationToken).AsTask(),
        }).ConfigureAwait(false);
    }

    private async Task CloseAsync(ulong number)
    {
        ServedSession? closed;
        lock (_gate)
            _sessions.Remove(number, out closed);
        if (closed is not null)
            await closed.Session.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Puts a session where it is found, unless whoever asked for it has given up: nobody would ever close it.</summary>
    private async ValueTask<ServedSession> AddAsync(ulong number, IInferenceSession session, CancellationToken cancellationToken)
    {
        var served = new ServedSession((IResumableSession)session);
        lock (_gate)
            _sessions[number] = served;

        // SYNC POINT with the supervisor, which cancels and then has the number closed: that finds it here, or this finds it cancelled.
        if (!cancellationToken.IsCancellationRequested)
            return served;
        await CloseAsync(number).ConfigureAwait(false);
        throw new OperationCanceledException(cancellationToken);
    }

    private WireModelStatus Status(IModelContext model) => new(
        model.Name, true, false, model.OpenSessions, (model as IMeasuredModel)?.SramUsed ?? 0, model.Memory?.SramTokens ?? model.ContextLength, 0);

    private IPreparable Preparable() => preparable ?? throw OptionCheck.Invalid("This engine cannot be prepared.");

    private static byte[] Of<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    // Of the same build: what does not fit is a fault, and not a client's.
    private static T Read<T>(byte[] document)
        where T : class => JsonSerializer.Deserialize(document, (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!)
        ?? throw OptionCheck.Invalid("The document is null.");

    private sealed class Teller(Action<WireLoadEvent> tell) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => tell(new WireLoadEvent(value.Phase.ToString(), value.Fraction, null, null));
    }
}

/// <summary>A session of the supervisor's, at the engine.</summary>
internal sealed record ServedSession(IResumableSession Session)
{
    /// <summary>The ids of what it holds behind that length.</summary>
    public int[] Since(int length)
    {
        try
        {
            IReadOnlyList<int> log = Session.State.Log;
            return [.. log.Skip(length).Select(Pipeline.Steps.Schedule.Id)];
        }
        catch (ObjectDisposedException)
        {
            return [];
        }
    }
}
