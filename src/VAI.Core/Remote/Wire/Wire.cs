using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using VAI.Residency;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Remote.Wire;

// What travels between RemoteVai and the daemon's /vai API, as JSON in camelCase. Streams are server-sent events, one document each.

/// <summary>A loaded model. <c>GET /vai/models</c> answers with an array of them.</summary>
internal sealed record WireModel(
    string Name, ModelInfo Info, double LoadMs, bool OnGpu, ModelMemory? Memory, int ContextLength, int OpenSessions, long Generation);

/// <summary><c>POST /vai/models/load</c> and <c>/vai/models/plan</c>: a configured model's name (a file's, for a plan), or a model's options.</summary>
internal sealed record WireModelRequest(string? Name, ModelOptions? Model);

/// <summary>An event of the stream that answers a load: progress, and at the end the model or the error.</summary>
internal sealed record WireLoadEvent(string? Phase, double Fraction, WireModel? Model, WireError? Error);

/// <summary><c>POST /vai/models/unload</c>.</summary>
internal sealed record WireUnload(string Name);

/// <summary>The models that an engine process may have to load. Over its link alone.</summary>
internal sealed record WirePrepare(IReadOnlyList<ModelOptions> Models);

/// <summary><c>POST /vai/models/tokenize</c>, answered by <see cref="WireTokens"/>.</summary>
internal sealed record WireTokenize(
    string Model, string Text, bool AddSpecial, bool ParseSpecial, int? Room = null, IReadOnlyList<int>? Flips = null, bool Once = false)
{
    public static WireTokenize Of(string model, TokenText text, int room) =>
        new(model, text.Text, text.AddSpecial, text.ParseSpecial, room, text.Flips, text.Once);

    public TokenText ToText() => new(Text, AddSpecial, ParseSpecial) { Flips = Flips, Once = Once };
}

/// <summary><c>POST /vai/models/detokenize</c>, answered by <see cref="WireText"/>.</summary>
internal sealed record WireDetokenize(string Model, IReadOnlyList<int> Tokens, bool Special);

/// <summary><c>POST /vai/models/chat</c>, answered by <see cref="WirePrompt"/>: the model's chat template, applied.</summary>
internal sealed record WireChat(string Model, IReadOnlyList<ChatTurn> Turns, bool AddGenerationPrompt);

/// <summary>A prompt, and where it is no longer the template's but the caller's, and the other way round.</summary>
internal sealed record WirePrompt(string Text, IReadOnlyList<int> Flips);

/// <summary><c>POST /vai/models/embed</c>, answered by <see cref="WireEmbeddings"/>.</summary>
internal sealed record WireEmbed(
    string Model, IReadOnlyList<EmbeddingInput> Inputs, SessionPriority Priority = SessionPriority.Normal, TimeSpan? Deadline = null);

internal sealed record WireTokens(IReadOnlyList<int> Tokens);

internal sealed record WireText(string Text);

/// <summary>Of a model, the most bytes that a token stands for. Over an engine's link alone.</summary>
internal sealed record WireLongest(int Bytes);

/// <summary>Calls and transactions of an engine's link, by their ids. Over that alone.</summary>
internal sealed record WireIds(IReadOnlyList<ulong> Ids);

/// <summary>Vectors as base64 of little-endian floats, in the order of the inputs, and the tokens of all of them.</summary>
internal sealed record WireEmbeddings(IReadOnlyList<byte[]> Vectors, long Tokens)
{
    public static WireEmbeddings Of(Embeddings embeddings) =>
        new([.. embeddings.Vectors.Select(v => MemoryMarshal.AsBytes(v.Span).ToArray())], embeddings.Tokens);

    public Embeddings ToEmbeddings() =>
        new([.. Vectors.Select(v => new ReadOnlyMemory<float>(MemoryMarshal.Cast<byte, float>(v).ToArray()))], Tokens);
}

/// <summary>
/// What a session is opened with, in <c>POST /vai/sessions/ID/open</c>, or with the first request that needs it. The client chooses the id.
/// </summary>
/// <param name="Model">The model's name.</param>
/// <param name="Options">Null for the defaults.</param>
/// <param name="State">What it holds; null for an empty one.</param>
/// <param name="Saved">
/// The name under which a session was saved, instead of <paramref name="State"/>; between a daemon and its engine the path of its file.
/// </param>
/// <param name="Client">The client's id, see <c>GET /vai/clients/ID</c>: the session is closed when the client goes away. Null for never.</param>
internal sealed record WireOpen(string Model, SessionOptions? Options, SessionState? State, string? Saved, string? Client)
{
    /// <summary>The file that <see cref="Saved"/> names, or that came with the request. Never from outside.</summary>
    [JsonIgnore]
    public string? File { get; init; }
}

/// <summary>A session; answers <c>open</c>, <c>fork</c> and <c>GET /vai/sessions/ID</c>.</summary>
internal sealed record WireSession(string Id, string Model, SessionState State);

/// <summary><c>POST /vai/sessions/ID/infer</c>, answered by a stream of <see cref="WireUpdate"/>.</summary>
/// <param name="Text">The prompt as text; null if there are tokens.</param>
/// <param name="Tokens">The prompt as tokens.</param>
/// <param name="Generated">What was handed over before an interruption; null for a new transaction.</param>
/// <param name="Options">Null for the defaults.</param>
/// <param name="At">The session's length as the client knows it; another one is answered as if there were no such session. Null for any.</param>
/// <param name="Open">Opens the session if it is not there, or holds something else.</param>
internal sealed record WireInfer(
    string? Text, IReadOnlyList<int>? Tokens, IReadOnlyList<int>? Generated, InferenceOptions? Options, int? At, WireOpen? Open)
{
    /// <summary>As <see cref="TokenText.Flips"/>, of <see cref="Text"/>.</summary>
    public IReadOnlyList<int>? Flips { get; init; }
}

/// <summary>An event of a transaction. Which member is set says which.</summary>
/// <param name="Prompt">The first event, if the prompt was text: its tokens.</param>
/// <param name="Text">A token's text, with <paramref name="Token"/>.</param>
/// <param name="Token">A token's id; -1 in the last update.</param>
/// <param name="Result">What it came to: the last event.</param>
/// <param name="Error">Why it failed: the last event.</param>
/// <param name="Kind">Of <paramref name="Text"/>.</param>
/// <param name="LogProbabilities">With <paramref name="Token"/>, if it was asked for. Bytes are in base64.</param>
internal sealed record WireUpdate(
    IReadOnlyList<int>? Prompt = null, string? Text = null, int? Token = null, InferenceResult? Result = null, WireError? Error = null,
    TokenLogProbabilities? LogProbabilities = null, InferenceUpdateKind Kind = InferenceUpdateKind.Answer);

/// <summary><c>POST /vai/sessions/ID/fork</c>: the child's id is the client's choice too.</summary>
internal sealed record WireFork(string Child, SessionOptions? Options, int? At, WireOpen? Open);

/// <summary>
/// <c>POST /vai/sessions/ID/VERB</c> for commit, rollback, park, rebuild and save, which may have a name to save it under; without one it is
/// answered by the session's bytes; between a daemon and its engine the name is the path of a file. At and Open as in <see cref="WireInfer"/>.
/// </summary>
internal sealed record WireVerb(string? Name, int? At, WireOpen? Open);

/// <summary><c>GET /vai/saved</c>: the names of the saved sessions.</summary>
internal sealed record WireSaved(IReadOnlyList<string> Names);

/// <summary>A session in <c>GET /vai/sessions</c>.</summary>
internal sealed record WireSessionInfo(
    string Id, string Model, string? Client, int Tokens, bool Running, long Generated, double TokensPerSecond, double AgeSeconds);

/// <summary><c>GET /vai/status</c>.</summary>
internal sealed record WireStatus(
    string Version, int ProcessId, int? WorkerId, int WorkerRestarts, double UptimeSeconds, int ActiveRequests, int QueuedRequests,
    IReadOnlyList<WireModelStatus> Models);

/// <summary>A model in <see cref="WireStatus"/>. SRAM in tokens (KV cells).</summary>
internal sealed record WireModelStatus(
    string Name, bool Loaded, bool Quarantined, int OpenSessions, int SramUsed, int SramTokens, long GeneratedTokens);

/// <summary>An error: the body of an answer that is no 2xx, or the last event of a stream.</summary>
/// <param name="Kind">usage, model, engine, cancelled or disposed.</param>
/// <param name="Code">The <see cref="VaiError"/>'s name.</param>
/// <param name="Message">For people.</param>
internal sealed record WireError(string Kind, string Code, string Message);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UseStringEnumConverter = true,
    Converters = [typeof(InferenceOptionsConverter), typeof(SessionOptionsConverter)])]
[JsonSerializable(typeof(IReadOnlyList<WireModel>))]
[JsonSerializable(typeof(WireModelRequest))]
[JsonSerializable(typeof(WireLoadEvent))]
[JsonSerializable(typeof(WireUnload))]
[JsonSerializable(typeof(WirePrepare))]
[JsonSerializable(typeof(WireTokenize))]
[JsonSerializable(typeof(WireDetokenize))]
[JsonSerializable(typeof(WireChat))]
[JsonSerializable(typeof(WirePrompt))]
[JsonSerializable(typeof(WireEmbed))]
[JsonSerializable(typeof(WireTokens))]
[JsonSerializable(typeof(WireText))]
[JsonSerializable(typeof(WireLongest))]
[JsonSerializable(typeof(WireIds))]
[JsonSerializable(typeof(WireEmbeddings))]
[JsonSerializable(typeof(WireOpen))]
[JsonSerializable(typeof(WireSession))]
[JsonSerializable(typeof(WireInfer))]
[JsonSerializable(typeof(WireUpdate))]
[JsonSerializable(typeof(WireFork))]
[JsonSerializable(typeof(WireVerb))]
[JsonSerializable(typeof(WireSaved))]
[JsonSerializable(typeof(IReadOnlyList<WireSessionInfo>))]
[JsonSerializable(typeof(WireStatus))]
[JsonSerializable(typeof(IReadOnlyList<WireModelStatus>))]
[JsonSerializable(typeof(WireError))]
[JsonSerializable(typeof(MemoryPlan))]
[JsonSerializable(typeof(IReadOnlyList<ComputeDevice>))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(WireInferenceOptions))]
[JsonSerializable(typeof(WireSessionOptions))]
[JsonSerializable(typeof(InferenceResult))]
[JsonSerializable(typeof(TokenLogProbabilities))]
internal sealed partial class WireJson : JsonSerializerContext;
