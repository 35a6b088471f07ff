using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.Streaming;

/// <summary>
/// Tells the reader of a stream, and the proxies between, that its request is alive while nothing has come of it: the answer's head a second after
/// the request came, so that an error which comes at once still has a status, and then a comment line every ten seconds until the first event.
/// </summary>
internal sealed class StreamPatience
{
    public static readonly TimeSpan Head = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Ping = TimeSpan.FromSeconds(10);

    private readonly HttpContext _http;
    private readonly TimeProvider _time;
    private long _last;

    private StreamPatience(HttpContext http)
    {
        _http = http;
        _time = http.RequestServices?.GetService<TimeProvider>() ?? TimeProvider.System;
        _last = _time.GetTimestamp();
    }

    /// <summary>The request's one, which counts from its first use.</summary>
    public static StreamPatience Of(HttpContext http)
    {
        if (http.Features.Get<StreamPatience>() is { } patience)
            return patience;
        patience = new StreamPatience(http);
        http.Features.Set(patience);
        return patience;
    }

    /// <summary>Whether the head of a stream is out: what goes wrong from now on is an event.</summary>
    public static bool IsOpen(HttpContext http) =>
        http.Response.HasStarted && http.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true;

    /// <summary>Says that events follow. Nothing is sent yet.</summary>
    public static void Begin(HttpResponse response)
    {
        if (response.HasStarted)
            return;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Waits for what a stream's next event depends on. Nobody else writes meanwhile.</summary>
    /// <exception cref="Exception">That of the task, and no other: a reader that is gone ends the request by its token.</exception>
    public async Task<T> WhileAsync<T>(Task<T> task)
    {
        while (!await DoneAsync(task).ConfigureAwait(false))
        {
            try
            {
                Begin(_http.Response);
                _http.Response.BodyWriter.Write(_http.Response.HasStarted ? ": ping\n\n"u8 : ": waiting\n\n"u8);
                await Sending.FlushAsync(_http, Sending.SlowReader(_http)).ConfigureAwait(false);
                _last = _time.GetTimestamp();
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                _http.Abort();
                break;
            }
        }

        return await task.ConfigureAwait(false);
    }

    /// <summary>The same in the queue, where the body is not read yet, which says whether a stream is wanted.</summary>
    public async Task<T> WhileQueuedAsync<T>(Task<T> task) =>
        !await DoneAsync(task).ConfigureAwait(false) && await StreamRequest.IsWantedAsync(_http).ConfigureAwait(false)
            ? await WhileAsync(task).ConfigureAwait(false)
            : await task.ConfigureAwait(false);

    // Whether it is done when something is to be said again.
    private async Task<bool> DoneAsync(Task task)
    {
        if (task.IsCompleted)
            return true;
        TimeSpan due = (_http.Response.HasStarted ? Ping : Head) - _time.GetElapsedTime(_last);
        using var stop = new CancellationTokenSource();
        await Task.WhenAny(task, Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero, _time, stop.Token)).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        return task.IsCompleted;
    }
}
