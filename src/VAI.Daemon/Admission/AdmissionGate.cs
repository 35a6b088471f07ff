using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using VAI.Daemon.Streaming;

namespace VAI.Daemon.Admission;

/// <summary>Lets requests in: those with a key where one is needed, of a size that is taken, and as many at once as can be computed.</summary>
internal sealed class AdmissionGate
{
    private const int DrainRetryAfter = 5;
    private readonly AdmissionOptions _options;
    private readonly FairQueue _queue;
    private readonly ApiKeys? _keys;

    /// <exception cref="VaiUsageException">An option is out of its range; the key file is missing, empty or open to everybody.</exception>
    public AdmissionGate(AdmissionOptions options)
    {
        options.Validate();
        _options = options;
        _queue = new FairQueue(options);
        _keys = options.ApiKeyFile is { } file ? ApiKeys.Read(file) : null;
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
        bool local = Peer.IsLocal(context);
        string? key = local ? null : _keys?.Accepted(request);
        if (!local && _keys is not null && key is null && !IsOpen(request))
        {
            await Refusal.Unauthorized.WriteAsync(context);
            return;
        }

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
                await QueueAsync(context, next, local ? Peer.Local(context) : key is not null ? "key:" + key : Peer.Address(context));
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
            ValueTask<Entry> asked = _queue.EnterAsync(client, context.RequestAborted);
            entry = asked.IsCompleted ? await asked : await StreamPatience.Of(context).WhileQueuedAsync(asked.AsTask());
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

    // Whether the daemon lives is no secret, and who asks that is often a probe without keys.
    private static bool IsOpen(HttpRequest request) => HttpMethods.IsGet(request.Method) && request.Path == "/health";

    private static bool Computes(HttpRequest request)
    {
        string path = (request.Path.Value ?? "").TrimEnd('/');
        return HttpMethods.IsPost(request.Method) && (request.Path.StartsWithSegments("/v1")
            ? Ends("completions") || Ends("/embeddings")
            : request.Path.StartsWithSegments("/vai") && (Ends("/infer") || Ends("/rebuild") || Ends("/embed")));

        bool Ends(string with) => path.EndsWith(with, StringComparison.OrdinalIgnoreCase);
    }
}
