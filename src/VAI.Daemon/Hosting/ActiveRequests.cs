using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Hosting;

/// <summary>Counts the requests for something to be done that are being answered: not those that only look, and not a client's sign that it is there.</summary>
internal sealed class ActiveRequests
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _none;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Use(IApplicationBuilder app) => app.Use(next => context => Looks(context) ? next(context) : CountedAsync(context, next));

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

    private static bool Looks(HttpContext context) => HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);

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
