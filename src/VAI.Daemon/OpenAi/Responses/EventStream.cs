using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.OpenAi.Requests;
using VAI.Daemon.Streaming;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>A response of server-sent events, each a JSON document written straight into the response's buffer.</summary>
internal sealed class EventStream(HttpContext http, TimeSpan timeout) : IDisposable
{
    private readonly Utf8JsonWriter _json = new(http.Response.BodyWriter, Sending.Options);

    public void Start()
    {
        StreamPatience.Begin(http.Response);

        // Where the head went out before it was known.
        if (http.Items.Remove(IgnoredFields.Header, out object? ignored))
            http.Response.BodyWriter.Write(System.Text.Encoding.ASCII.GetBytes($": {IgnoredFields.Header}: {ignored}\n\n"));
    }

    /// <summary>Begins an event; its document goes into the writer, then <see cref="End"/>.</summary>
    public Utf8JsonWriter Begin()
    {
        http.Response.BodyWriter.Write("data: "u8);
        _json.Reset(http.Response.BodyWriter);
        return _json;
    }

    public void End()
    {
        _json.Flush();
        http.Response.BodyWriter.Write("\n\n"u8);
    }

    /// <summary>An event whose document is known but for one text in it.</summary>
    public void Text(ChunkFrame frame, string text)
    {
        PipeWriter body = http.Response.BodyWriter;
        body.Write(frame.Head);
        _json.Reset(body);
        _json.WriteStringValue(text);
        _json.Flush();
        body.Write(frame.Tail);
    }

    public void Error(ApiError error)
    {
        http.Response.BodyWriter.Write("event: error\n"u8);
        error.Write(Begin());
        End();
    }

    public void Done() => http.Response.BodyWriter.Write("data: [DONE]\n\n"u8);

    /// <inheritdoc cref="Sending.FlushAsync"/>
    public ValueTask FlushAsync() => Sending.FlushAsync(http, timeout);

    public void Dispose() => _json.Dispose();
}
