using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VAI.Remote.Wire;

namespace VAI.Remote;

/// <summary>HTTP over an endpoint: documents there and back, streams of events, and asking again when a connection breaks.</summary>
internal sealed class RemoteLink : IDisposable
{
    /// <summary>How often in a row a connection may break without anything coming of it.</summary>
    public const int MaxBreaks = 5;

    /// <summary>The head of an answer that says which process gave it: another one has other models loaded.</summary>
    public const string InstanceHeader = "VAI-Instance";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    private readonly IEndpoint _endpoint;
    private readonly HttpClient _http;
    private bool _reached;
    private string? _instance;

    public RemoteLink(IEndpoint endpoint)
    {
        _endpoint = endpoint;
        _http = new HttpClient(new SocketsHttpHandler
        {
            // One connection for each stream that runs: none waits for another.
            ConnectCallback = ConnectAsync,
            MaxConnectionsPerServer = int.MaxValue,

            // Hanging up is how a stream is cancelled: to read on for the connection's sake would keep the other side computing.
            MaxResponseDrainSize = 0,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        })
        {
            BaseAddress = new Uri("http://vai/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Loads a model again if another process answers now than when it was loaded; says whether it did.</summary>
    public Func<string, CancellationToken, ValueTask<bool>>? Reload { get; set; }

    /// <summary>Which process answered last.</summary>
    public string? Instance => Volatile.Read(ref _instance);

    public void Dispose() => _http.Dispose();

    public Task<TAnswer> GetAsync<TAnswer>(string path, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken) =>
        RepeatAsync(null, () => AskAsync(() => new HttpRequestMessage(HttpMethod.Get, path), type, cancellationToken), cancellationToken);

    /// <summary>Sends a document, again if the connection breaks, and reads one.</summary>
    public Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, string? model, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, bodyType);
        return RepeatAsync(model, () => AskAsync(() => Post(path, bytes), type, cancellationToken), cancellationToken);
    }

    /// <summary>Asks once; the answer's document is null where the type is.</summary>
    public async Task<TAnswer> AskAsync<TAnswer>(
        Func<HttpRequestMessage> request, JsonTypeInfo<TAnswer>? type, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(request(), cancellationToken).ConfigureAwait(false);
        if (type is null)
            return default!;
        Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            return await JsonSerializer.DeserializeAsync(stream, type, cancellationToken).ConfigureAwait(false)
                ?? throw new InterruptedException("The answer is empty.");
        }
    }

    /// <summary>Asks once; the answer's body goes where the caller says.</summary>
    public async Task<object> ReceiveAsync(
        Func<HttpRequestMessage> request, Func<Stream, CancellationToken, Task> receive, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(request(), cancellationToken).ConfigureAwait(false);
        Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
            await receive(stream, cancellationToken).ConfigureAwait(false);
        return response;
    }

    /// <summary>Asks once for a stream of events, and returns when its head has come.</summary>
    public async Task<RemoteEvents<TEvent>> StreamAsync<TEvent>(
        HttpRequestMessage request, JsonTypeInfo<TEvent> type, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await SendAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            SseParser<TEvent> parser = SseParser.Create(stream, (_, data) => JsonSerializer.Deserialize(data, type)!);
            return new RemoteEvents<TEvent>(response, parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken));
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    public static HttpRequestMessage Post<TBody>(string path, TBody body, JsonTypeInfo<TBody> type) =>
        Post(path, JsonSerializer.SerializeToUtf8Bytes(body, type));

    /// <summary>The connection broke, or the other side gave up by itself: what was asked is neither done nor refused.</summary>
    public static bool IsBreak(Exception e) =>
        e is HttpRequestException or IOException or InterruptedException or JsonException
        || e is VaiEngineException { Code: VaiError.DaemonUnavailable };

    /// <summary>Waits until it makes sense to ask again.</summary>
    /// <exception cref="VaiEngineException">It does not.</exception>
    public async ValueTask RecoverAsync(string? model, int breaks, Exception cause, CancellationToken cancellationToken)
    {
        // Where there never was a daemon, none is waited for.
        if (!Volatile.Read(ref _reached) && cause is VaiEngineException)
            throw Again(cause);
        if (breaks > MaxBreaks)
        {
            throw new VaiEngineException(
                VaiError.EngineLost,
                $"The connection to the engine broke {breaks} times in a row{(model is null ? "" : $", asking for '{model}'")}: {cause.Message} "
                + "Look at the daemon's log, and try again.",
                cause);
        }

        // One that is ending still answers for a while, that it is.
        if (breaks > 1)
            await Task.Delay(Pause * (1 << breaks), cancellationToken).ConfigureAwait(false);
        await _endpoint.RecoverAsync(model, cause, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether asking again may help with a model that is not there: the daemon was started anew and had to be told to load it.
    /// </summary>
    public async ValueTask<bool> ReloadedAsync(string model, Exception refusal, CancellationToken cancellationToken)
    {
        if (refusal is not VaiUsageException { Code: VaiError.UnknownModel or VaiError.ModelNotLoaded } || Reload is not { } reload)
            return false;
        try
        {
            return await reload(model, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsBreak(e))
        {
            // It went away again: what is asked next says so, and is counted.
            return true;
        }
    }

    /// <summary>Does something that may be done twice, until the connection holds.</summary>
    public async Task<TAnswer> RepeatAsync<TAnswer>(string? model, Func<Task<TAnswer>> ask, CancellationToken cancellationToken)
    {
        for (int breaks = 1; ; breaks++)
        {
            Exception cause;
            try
            {
                return await ask().ConfigureAwait(false);
            }
            catch (Exception e) when (IsBreak(e) && !cancellationToken.IsCancellationRequested)
            {
                cause = e;
            }
            catch (VaiUsageException e) when (model is not null && breaks <= MaxBreaks)
            {
                if (!await ReloadedAsync(model, e, cancellationToken).ConfigureAwait(false))
                    throw;
                continue;
            }

            await RecoverAsync(model, breaks, cause, cancellationToken).ConfigureAwait(false);
        }
    }

    private static VaiEngineException Again(Exception e) => new(VaiError.DaemonUnavailable, e.Message, e);

    private static HttpRequestMessage Post(string path, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        Stream stream = await _endpoint.ConnectAsync(cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _reached, true);
        return stream;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.InnerException is VaiException inner)
        {
            throw new VaiEngineException(inner.Code, inner.Message, e);
        }
        finally
        {
            request.Dispose();
        }

        if (response.Headers.TryGetValues(InstanceHeader, out IEnumerable<string>? instance))
            Volatile.Write(ref _instance, string.Concat(instance));
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw await ErrorOf(response, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<Exception> ErrorOf(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (JsonSerializer.Deserialize(body, WireJson.Default.WireError) is { Kind: not null, Code: not null } error)
                return WireErrors.IsInterruption(error) ? new InterruptedException(error.Message) : WireErrors.ToException(error);
        }
        catch (JsonException)
        {
            // Not VAI's.
        }

        return new VaiEngineException(
            response.StatusCode is HttpStatusCode.TooManyRequests ? VaiError.Overloaded : VaiError.EngineLost,
            $"What answers at the daemon's socket says {(int)response.StatusCode} {response.ReasonPhrase}, which no VAI daemon of this version does. "
            + "Start the daemon of the same version.");
    }
}

/// <summary>A stream of events that is being read. Disposing it hangs up.</summary>
internal sealed class RemoteEvents<TEvent>(HttpResponseMessage response, IAsyncEnumerator<SseItem<TEvent>> events) : IAsyncDisposable
{
    public TEvent Current => events.Current.Data;

    public ValueTask<bool> MoveNextAsync() => events.MoveNextAsync();

    public async ValueTask DisposeAsync()
    {
        response.Dispose();
        await events.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>The other side gave up by itself.</summary>
internal sealed class InterruptedException(string message) : Exception(message);
