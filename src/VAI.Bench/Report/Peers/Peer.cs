using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;

namespace VAI.Bench.Report;

/// <summary>A server that answers llama-server's API: <c>/v1/models</c> and <c>/v1/completions</c>.</summary>
internal sealed class Peer : IDisposable
{
    private const string Unnamed = "peer";

    private static readonly TimeSpan Reachable = TimeSpan.FromSeconds(10);

    // A router loads a model when it is first asked for.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly HttpClient _http;
    private readonly Uri _url;

    private Peer(Uri url, HttpClient http)
    {
        (_url, _http) = (url, http);
        http.Timeout = Longest;
    }

    /// <summary>What it says it is.</summary>
    public string Name { get; private set; } = Unnamed;

    public Uri Url => _url;

    /// <summary>Connects, and makes sure that it has the models.</summary>
    /// <exception cref="VaiException">Nothing answers there, or it does not have them.</exception>
    public static Task<Peer> ConnectAsync(Uri url, IReadOnlyList<string> models, CancellationToken cancellation) =>
        ConnectAsync(new Peer(url, new HttpClient()), models, cancellation);

    /// <summary>The same of a daemon of VAI at a Unix socket.</summary>
    public static Task<Peer> ConnectAsync(string socket, string name, IReadOnlyList<string> models, CancellationToken cancellation) =>
        ConnectAsync(new Peer(new Uri("http://localhost/"), ServeProcess.Client(socket)) { Name = name }, models, cancellation);

    private static async Task<Peer> ConnectAsync(Peer peer, IReadOnlyList<string> models, CancellationToken cancellation)
    {
        try
        {
            await peer.CheckAsync(models, cancellation).ConfigureAwait(false);
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>Asks a model, greedily, and waits for the end.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="prompt">Tokens, so that the peer computes what VAI does.</param>
    /// <param name="tokens">How many to generate.</param>
    /// <param name="banned">Tokens not to generate; null for none.</param>
    /// <param name="cancellation">Hangs up.</param>
    /// <exception cref="VaiEngineException">It refuses, or breaks off.</exception>
    public async Task<PeerAnswer> AskAsync(
        string model, ReadOnlyMemory<int> prompt, int tokens, IReadOnlyList<int>? banned, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_url, "v1/completions")) { Content = Body(model, prompt, tokens, banned) };
        long start = Stopwatch.GetTimestamp();
        try
        {
            using HttpResponseMessage response =
                await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw Failed($"answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false)}");
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
            TimeSpan? first = null;
            int generated = 0;
            while (await reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            {
                if (!line.StartsWith("data:", StringComparison.Ordinal) || line.Contains("[DONE]", StringComparison.Ordinal))
                    continue;
                first ??= Stopwatch.GetElapsedTime(start);
                generated = Generated(line[5..]) ?? generated;
            }

            return first is { } time && generated > 0
                ? new PeerAnswer(time, Stopwatch.GetElapsedTime(start), generated)
                : throw Failed("ended an answer without a token, or does not say how many there were");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw Failed($"broke off: {e.Message}", e);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task CheckAsync(IReadOnlyList<string> models, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Reachable);
        try
        {
            using HttpResponseMessage response = await _http.GetAsync(new Uri(_url, "v1/models"), limit.Token).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(limit.Token).ConfigureAwait(false));
            string[] names = [.. document.RootElement.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!)];
            if (models.FirstOrDefault(m => !names.Contains(m)) is { } missing)
            {
                throw new VaiUsageException(
                    VaiError.InvalidOption,
                    $"The peer at {_url} has no model '{missing}', but {string.Join(", ", names)}. Start it on the directory of the two files.");
            }

            if (Name == Unnamed && response.Headers.Server.ToString() is { Length: > 0 } server)
                Name = server;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or KeyNotFoundException or InvalidOperationException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new VaiEngineException(
                VaiError.DaemonUnavailable,
                $"No server at {_url} answers llama-server's API: {e.Message} Start one there (llama-server --models-dir DIR), or leave --peer out.",
                e);
        }
    }

    private static ByteArrayContent Body(string model, ReadOnlyMemory<int> prompt, int tokens, IReadOnlyList<int>? banned)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteStartArray("prompt");
            foreach (int token in prompt.Span)
                json.WriteNumberValue(token);
            json.WriteEndArray();
            json.WriteNumber("max_tokens", tokens);
            json.WriteNumber("temperature", 0);
            json.WriteBoolean("stream", true);
            json.WriteStartObject("stream_options");
            json.WriteBoolean("include_usage", true);
            json.WriteEndObject();
            if (banned is not null)
            {
                json.WriteStartObject("logit_bias");
                foreach (int token in banned)
                    json.WriteNumber($"{token}", -100);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return new ByteArrayContent(body.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    private static int? Generated(string document)
    {
        using var json = JsonDocument.Parse(document);
        return json.RootElement.TryGetProperty("usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.Object
            ? usage.GetProperty("completion_tokens").GetInt32()
            : null;
    }

    private VaiEngineException Failed(string what, Exception? inner = null) =>
        new(VaiError.NativeFailure, $"The peer at {_url} {what}. See its log.", inner);
}

/// <summary>An answer of the peer, as its client sees it.</summary>
internal sealed record PeerAnswer(TimeSpan First, TimeSpan Total, int Tokens);
