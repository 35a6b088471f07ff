using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.OpenAi.Responses;
using VAI.Daemon.Streaming;
using VAI.Remote.Wire;

namespace VAI.Daemon.Api;

/// <summary>Writes server-sent events into a response. The head goes out with the first one, unless that takes long, so that earlier errors have a status.</summary>
internal sealed class EventWriter(HttpContext context) : IDisposable
{
    private static readonly JsonEncodedText Text = JsonEncodedText.Encode("text");
    private static readonly JsonEncodedText Token = JsonEncodedText.Encode("token");
    private static readonly JsonEncodedText Kind = JsonEncodedText.Encode("kind");
    private static readonly JsonEncodedText[] Kinds = [.. Enum.GetNames<InferenceUpdateKind>().Select(k => JsonEncodedText.Encode(k))];
    private static readonly JsonEncodedText Result = JsonEncodedText.Encode("result");
    private static readonly JsonEncodedText LogProbabilities = JsonEncodedText.Encode("logProbabilities");

    // Kestrel's least rate counts what was taken before as time in hand: after megabytes it waits for hours.
    private readonly TimeSpan _slowReader = Sending.SlowReader(context);

    private readonly Utf8JsonWriter _json = new(context.Response.BodyWriter);

    /// <inheritdoc cref="StreamPatience.Begin"/>
    public static void Head(HttpResponse response) => StreamPatience.Begin(response);

    public static void Write<T>(IBufferWriter<byte> to, T value, JsonTypeInfo<T> type)
    {
        to.Write("data: "u8);
        using (var json = new Utf8JsonWriter(to))
            JsonSerializer.Serialize(json, value, type);
        to.Write("\n\n"u8);
    }

    /// <summary>Writes an update as a <see cref="WireUpdate"/>, without making one, and sends it.</summary>
    public async ValueTask SendAsync(InferenceUpdate update)
    {
        IBufferWriter<byte> to = context.Response.BodyWriter;
        to.Write("data: "u8);
        _json.Reset(to);
        _json.WriteStartObject();
        _json.WriteString(Text, update.Text);
        _json.WriteNumber(Token, update.TokenId);
        if (update.Kind != InferenceUpdateKind.Answer)
            _json.WriteString(Kind, Kinds[(int)update.Kind]);
        if (update.LogProbabilities is { } logProbabilities)
        {
            _json.WritePropertyName(LogProbabilities);
            JsonSerializer.Serialize(_json, logProbabilities, WireJson.Default.TokenLogProbabilities);
        }

        if (update.Result is { } result)
        {
            _json.WritePropertyName(Result);
            JsonSerializer.Serialize(_json, result, WireJson.Default.InferenceResult);
        }

        _json.WriteEndObject();
        _json.Flush();
        to.Write("\n\n"u8);
        await Sending.FlushAsync(context, _slowReader).ConfigureAwait(false);
    }

    public void Dispose() => _json.Dispose();
}
