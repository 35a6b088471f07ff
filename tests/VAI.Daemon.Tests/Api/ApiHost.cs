using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Access;
using VAI.Daemon.Api;

namespace VAI.Daemon.Tests.Api;

/// <summary>Kestrel on a Unix socket, in this process, with an engine behind it.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiHost(WebApplication app, IVai vai, SessionTable sessions) => (_app, Vai, Sessions) = (app, vai, sessions);

    public IVai Vai { get; }

    public SessionTable Sessions { get; }

    public static async Task<ApiHost> StartAsync(
        string socket, IVai vai, TimeSpan? grace = null, SessionTable? sessions = null, ApiAccess? access = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(o => o.ListenUnixSocket(socket));
        WebApplication app = builder.Build();
        sessions ??= new SessionTable(grace);
        app.Use(next => context =>
        {
            // Another user, whom a test has not.
            if (context.Request.Headers["As"].ToString() is { Length: > 0 } name)
                context.Features.Set(new Caller($"{name} pid:1", name, false, false, true));
            return next(context);
        });
        app.UseRouting();
        app.MapVai(vai, sessions, null, access);
        await app.StartAsync();
        return new ApiHost(app, vai, sessions);
    }

    public static Task<ApiHost> StartAsync(string socket, ForgedModels models, TimeSpan? grace = null) =>
        StartAsync(socket, Engine(models), grace);

    public static IVai Engine(ForgedModels models, Action<VaiOptions>? configure = null) => VAI.Vai.Create(o =>
    {
        o.Threads = 2;
        o.RomDirectory = models.Roms;
        configure?.Invoke(o);
    });

    /// <summary>Breaks every connection, as the end of the process would.</summary>
    public async Task AbortAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await DisposeAsync();
    }

    /// <summary>Ends it. A stream that still runs, as after a test that failed in the middle of one, is cut off rather than waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5)))
            await _app.StopAsync(patience.Token);
        await Sessions.DisposeAsync();
        await _app.DisposeAsync();
        await Vai.DisposeAsync();
    }
}
