using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using VAI.Daemon.Access;
using VAI.Daemon.Streaming;

namespace VAI.Daemon.Admission;

/// <summary>
/// Lets requests in: those of a size that is taken, and as much work at once as can be done. What reaches an engine passes one queue of its
/// kind, and waits there by what it costs.
/// </summary>
internal sealed class AdmissionGate
{
    private const int DrainRetryAfter = 5;
    private readonly AdmissionOptions _options;
    private readonly FairQueue _queue;
    private readonly FairQueue _texts;
    private readonly FairQueue _sessions;
    private readonly FairQueue _files;
    private readonly BodyPace _pace = new();
    private readonly HeldBodies _bodies;

    /// <exception cref="VaiUsageException">An option is out of its range.</exception>
    public AdmissionGate(AdmissionOptions options)
    {
        options.Validate();
        _options = options;
        _queue = new FairQueue(options);

        // Texts take a core for a moment, and have to leave the streams some. Of sessions most wait for their own last request; files are slow.
        int texts = Math.Max(2, Environment.ProcessorCount);
        _texts = new FairQueue(texts, 2 * AdmissionOptions.ManyWaiting, (texts, Math.Max(1, texts / 2), AdmissionOptions.ManyWaiting));
        _sessions = new FairQueue(256, AdmissionOptions.ManyWaiting, (128, 64, AdmissionOptions.ManyWaiting / 4));
        _files = new FairQueue(8, 128, (4, 2, 32));
        _bodies = new HeldBodies(options.MaxHeldBytes, options.MaxHeldBytes / 4, _pace);
    }

    /// <summary>Places that are taken by what computes now.</summary>
    public int Active => _queue.Active;

    /// <summary>Requests that wait for that.</summary>
    public int Waiting => _queue.Waiting;

    /// <summary>Bytes of bodies that wait.</summary>
    public long HeldBytes => _bodies.Held;

    /// <summary>Refuses what comes from now on, and what waits, with 503; ends when nothing computes any more.</summary>
    /// <param name="cancellationToken">Gives up waiting for that.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default) =>
        Task.WhenAll(_queue.DrainAsync(cancellationToken), _files.DrainAsync(cancellationToken));

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        long limit = Work.IsFile(request) ? _options.MaxSessionBytes : _options.BodyLimitOf(request.Path.Value ?? "");
        if (request.ContentLength is not { } length || length > limit)
        {
            // What is too much is refused here, and then read to nowhere by Kestrel for a while: a client that still sends hears why.
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
                size.MaxRequestBodySize = null;
            request.Body = new BoundedBody(request.Body, limit);
        }

        if (request.ContentLength > limit)
        {
            await Refusal.TooLarge(limit).WriteAsync(context);
            await _pace.DiscardAsync(context);
            return;
        }

        try
        {
            WorkKind kind = Work.KindOf(request);
            FairQueue? queue = kind switch
            {
                WorkKind.Compute => _queue,
                WorkKind.Text => _texts,
                WorkKind.Session => _sessions,
                WorkKind.Files => _files,
                _ => null,
            };
            if (queue is null)
                await next(context);
            else
                await HoldAsync(context, next, queue, Caller.Of(context).Client);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge && !context.Response.HasStarted)
        {
            await Refusal.TooLarge(limit).WriteAsync(context);
            await _pace.DiscardAsync(context);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            // A body that is no HTTP, or comes too slowly.
            await Refusal.Unreadable(e.StatusCode, e.Message).WriteAsync(context);
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted && e is OperationCanceledException or IOException)
        {
            // It went away. There is nobody to tell.
        }
    }

    private async Task HoldAsync(HttpContext context, RequestDelegate next, FairQueue queue, string client)
    {
        // What would be refused is not read.
        if (queue.IsFull(client))
        {
            await RefuseAsync(context, queue, Entry.ClientFull);
            return;
        }

        if (Work.IsFile(context.Request))
        {
            await QueueAsync(context, next, queue, client, 1);
            return;
        }

        using HeldBodies.Body? body = await _bodies.ReadAsync(context, client);
        if (body is null)
            await RefuseAsync(context, queue, Entry.QueueFull);
        else
            await QueueAsync(context, next, queue, client, Work.CostOf(context.Request, body.Bytes));
    }

    private async Task QueueAsync(HttpContext context, RequestDelegate next, FairQueue queue, string client, int cost)
    {
        ValueTask<Entry> asked = queue.EnterAsync(client, cost, context.RequestAborted);
        Entry entry = asked.IsCompleted ? await asked : await WhileQueuedAsync(context, queue, client, cost, asked.AsTask());
        if (entry != Entry.Admitted)
        {
            await RefuseAsync(context, queue, entry);
            return;
        }

        long since = Stopwatch.GetTimestamp();
        bool computes = queue == _queue;
        if (computes)
            AdmissionTelemetry.Admitted();
        try
        {
            await next(context);
        }
        finally
        {
            if (computes)
                AdmissionTelemetry.Left();
            queue.Leave(client, since, cost);
        }
    }

    private static async Task<Entry> WhileQueuedAsync(HttpContext context, FairQueue queue, string client, int cost, Task<Entry> asked)
    {
        try
        {
            return await StreamPatience.Of(context).WhileQueuedAsync(asked);
        }
        catch
        {
            // The place may still come, and nobody else would give it back.
            _ = ReturnAsync(queue, client, cost, asked);
            throw;
        }
    }

    private static async Task ReturnAsync(FairQueue queue, string client, int cost, Task<Entry> asked)
    {
        await ((Task)asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (asked is { IsCompletedSuccessfully: true, Result: Entry.Admitted })
            queue.Leave(client, Stopwatch.GetTimestamp(), cost);
    }

    private async Task RefuseAsync(HttpContext context, FairQueue queue, Entry entry)
    {
        if (entry == Entry.ClientFull)
            await Task.Delay(_options.RefusalDelay, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await (entry switch
        {
            Entry.ClientFull => Refusal.ClientFull.WriteAsync(context, queue.RetryAfter()),
            Entry.QueueFull => Refusal.QueueFull.WriteAsync(context, queue.RetryAfter()),
            _ => Refusal.Draining.WriteAsync(context, DrainRetryAfter),
        });
        await _pace.DiscardAsync(context);
    }
}
