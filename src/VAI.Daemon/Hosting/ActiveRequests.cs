using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Hosting;

/// <summary>Counts the requests that are being answered, without those by which a client only shows that it is there.</summary>
internal sealed class ActiveRequests
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _none;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Use(IApplicationBuilder app) => app.Use(next => context => Leases(context) ? next(context) : CountedAsync(context, next));

    /// <summary>Ends when none is left.</summary>
    public Task NoneAsync()
    {
        lock (_gate)
        {
            if (_count == 0)
                return Task.CompletedTask;
            _none ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _none.Task;
        }
    }

    private static bool Leases(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method) && context.Request.Path.StartsWithSegments("/vai/clients", StringComparison.Ordinal);

    private async Task CountedAsync(HttpContext context, RequestDelegate next)
    {
        lock (_gate)
            _count++;
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                if (--_count == 0)
                    _none?.TrySetResult();
            }
        }
    }
}
