using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using VAI.Daemon.Access;

namespace VAI.Daemon.Admission;

/// <summary>Lets requests in: those of a size that is taken, and as many at once as can be computed.</summary>
internal sealed class AdmissionGate
{
    private const int DrainRetryAfter = 5;
    private readonly AdmissionOptions _options;
    private readonly FairQueue _queue;

    /// <exception cref="VaiUsageException">An option is out of its range.</exception>
    public AdmissionGate(AdmissionOptions options)
    {
        options.Validate();
        _options = options;
        _queue = new FairQueue(options);
    }

    /// <summary>Requests that compute now.</summary>
    public int Active => _queue.Active;

    /// <summary>Requests that wait for that.</summary>
    public int Waiting => _queue.Waiting;

    /// <summary>Refuses what comes from now on, and what waits, with 503; ends when nothing computes any more.</summary>
    /// <param name="cancellationToken">Gives up waiting for that.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default) => _queue.DrainAsync(cancellationToken);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        long limit = _options.BodyLimitOf(request.Path.Value ?? "");
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
            return;
        }

        try
        {
            if (Computes(request))
                await QueueAsync(context, next, Caller.Of(context).Client);
            else
                await next(context);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge && !context.Response.HasStarted)
        {
            await Refusal.TooLarge(limit).WriteAsync(context);
        }
    }

    private async Task QueueAsync(HttpContext context, RequestDelegate next, string client)
    {
        Entry entry;
        try
        {
            entry = await _queue.EnterAsync(client, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // It went away. There is nobody to tell.
            return;
        }

        if (entry != Entry.Admitted)
        {
            if (entry == Entry.ClientFull)
                await Task.Delay(_options.RefusalDelay, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await (entry switch
            {
                Entry.ClientFull => Refusal.ClientFull.WriteAsync(context, _queue.RetryAfter()),
                Entry.QueueFull => Refusal.QueueFull.WriteAsync(context, _queue.RetryAfter()),
                _ => Refusal.Draining.WriteAsync(context, DrainRetryAfter),
            });
            return;
        }

        long since = Stopwatch.GetTimestamp();
        AdmissionTelemetry.Admitted();
        try
        {
            await next(context);
        }
        finally
        {
            AdmissionTelemetry.Left();
            _queue.Leave(client, since);
        }
    }

    private static bool Computes(HttpRequest request)
    {
        string path = (request.Path.Value ?? "").TrimEnd('/');
        return HttpMethods.IsPost(request.Method) && (request.Path.StartsWithSegments("/v1")
            ? Ends("completions") || Ends("/embeddings")
            : request.Path.StartsWithSegments("/vai") && (Ends("/infer") || Ends("/rebuild") || Ends("/embed")));

        bool Ends(string with) => path.EndsWith(with, StringComparison.OrdinalIgnoreCase);
    }
}
