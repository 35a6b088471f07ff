using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Api;
using VAI.Daemon.Metrics;
using VAI.Daemon.Supervision;
using VAI.Native.Interop;

namespace VAI.Daemon.Hosting;

/// <summary>
/// The engine process: VAI's API over the engine of this process, at a socket that only the supervisor knows. It ends when its standard
/// input does, which is when the supervisor ends, whatever it is doing.
/// </summary>
internal static class WorkerHost
{
    public static async Task<int> RunAsync(string socket, WorkerConfig config)
    {
        LibcNative.umask(0b_000_111_111);

        // The kernel frees what this process has; there is nothing to put right, as it may be killed at any instant anyway.
        new Thread(EndWithInput) { IsBackground = true, Name = "supervisor's end" }.Start();

        // A terminal signals the whole group, and the supervisor has requests to drain.
        using var ignored = new StopSignals(static () => { }, static () => { });
        using ILoggerFactory log = LoggerFactory.Create(HostLog.Configure);
        Task<IVai> starting = Task.Run(() => Vai.Create(
            new VaiOptions
            {
                RomDirectory = config.RomDirectory,
                Threads = config.Threads,
                NativeDirectory = config.NativeDirectory,
                StashDirectory = config.StashDirectory,
            },
            log));

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(log);
        builder.Services.AddRoutingCore();
        builder.Services.AddInlineTransport();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            // Whoever is on the other side has checked what it sends, and times it.
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.ListenUnixSocket(socket);
        });
        WebApplication app = builder.Build();
        IVai vai;
        try
        {
            vai = await starting.ConfigureAwait(false);
        }
        catch (VaiException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }

        var sessions = new SessionTable();
        app.UseRouting();
        app.MapVai(vai, sessions);
        app.MapMetrics(null);
        await app.StartAsync().ConfigureAwait(false);
        await Console.Out.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"{WorkerProcess.ReadyLine}{Environment.ProcessId}")).ConfigureAwait(false);
        await Console.Out.FlushAsync().ConfigureAwait(false);
        await Task.Delay(Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        return 0;
    }

    private static void EndWithInput()
    {
        using Stream input = Console.OpenStandardInput();
        Span<byte> buffer = stackalloc byte[256];
        while (input.Read(buffer) > 0)
        {
            // The supervisor says nothing.
        }

        LibcNative._exit(0);
    }
}
