using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Hosting;

/// <summary>
/// How the daemon stops: it goes on listening, and says so to who asks. New work is refused, what runs has some time, and is told then that it is
/// not waited for any longer.
/// </summary>
internal sealed class Draining : IDisposable
{
    private const int RetryAfter = 5;

    private readonly CancellationTokenSource _ending = new();
    private volatile bool _begun;

    /// <summary>Whether new work is refused.</summary>
    public bool Begun => _begun;

    /// <summary>Cancelled when what runs has to end.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Refuses what asks for something to be done. Looking, and closing what is open, go on.</summary>
    public void Use(IApplicationBuilder app) => app.Use(next => context =>
        _begun && HttpMethods.IsPost(context.Request.Method) ? Refusal.Draining.WriteAsync(context, RetryAfter) : next(context));

    public void Begin() => _begun = true;

    public Task EndAsync() => _ending.CancelAsync();

    public void Dispose() => _ending.Dispose();
}
