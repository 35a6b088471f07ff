using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Access;
using VAI.Daemon.Admission;
using VAI.Daemon.Api;
using VAI.Daemon.Hosting.Configuration;
using VAI.Daemon.Hosting.Sockets;
using VAI.Daemon.OpenAi;
using VAI.Daemon.OpenAi.Responses;
using VAI.Daemon.Supervision;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Remote.Wire;

namespace VAI.Daemon.Hosting;

/// <summary>The daemon: the supervisor of an engine process, and the APIs over it. No code of llama.cpp runs here.</summary>
internal static class DaemonHost
{
    // For what is not waited for any longer to say so, and for its connections to be closed.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan MetricsPatience = TimeSpan.FromSeconds(2);

    /// <summary>Serves until it is told to stop, by a signal or the token, and then lets what runs end.</summary>
    /// <param name="options">Checked here.</param>
    /// <param name="command">Starts an engine process.</param>
    /// <param name="stop">Ends it, as SIGTERM does.</param>
    /// <exception cref="VaiException">It cannot start. The message says why.</exception>
    public static async Task RunAsync(ServeOptions options, WorkerCommand command, CancellationToken stop = default)
    {
        options.Validate();
        CheckPort(options);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using ILoggerFactory logs = LoggerFactory.Create(HostLog.Configure);
        ILogger log = logs.CreateLogger("VAI.Daemon");
        var live = new LiveOptions(options, log);
        var reloads = new Reloads(log);
        if (options.Reread is not null)
            reloads.Add("the configuration", live.Read);
        using var draining = new Draining();
        using var signals = new StopSignals(() => Stop(stopping, draining), reloads.Run);
        using var roms = OwnedRoms.Take(options.RomDirectory);
        using var socket = PublicSocket.Take(options.SocketPath);
        await using var premises = new Premises(roms, socket, log);
        await using var supervisor = new Supervisor(
            command,
            new WorkerConfig(
                roms.Path, options.Threads, FixedThreads: options.FixedThreads ?? false, Share: options.Share ?? 1, Nice: options.Nice ?? 0,
                BatchScheduling: options.BatchScheduling ?? false, VramLimit: options.Vram),
            socket.EngineDirectory, roms.Estate, logs.CreateLogger("VAI.Supervisor"), options.Supervision());
        try
        {
            await supervisor.StartAsync(stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            log.Stopped();
            return;
        }

        await using var engine = new EngineVai(supervisor);
        SharePrefixes sharing = options.Access.SharePrefixes ?? (options.ApiKeyFile is null ? SharePrefixes.All : SharePrefixes.Key);
        var settling = new Settling(sharing != SharePrefixes.None, draining.Ending);
        var vai = new SupervisedVai(engine, supervisor, log, options.Configured()) { Unloading = settling.StopAsync };
        var requests = new ActiveRequests();
        // Kept longer than the drain lasts, as leases end with its beginning.
        var admission = new AdmissionOptions();
        options.Access.Apply(admission);
        await using var sessions = new SessionTable(
            options.DrainTime + TimeSpan.FromSeconds(10), AdmissionOptions.MostSessions, admission.MaxSessionsPerClient, admission.SessionIdle);
        using var saved = new SavedSessions(options.Access.SessionsDirectory is { } place ? Path.GetFullPath(place) : SavedSessions.DefaultDirectory);
        if (options.Access.SessionsDirectory is not null)
            saved.Open();
        await using WebApplication app = Build(options, socket, logs, log);
        AdmissionGate gate = app.Services.GetRequiredService<AdmissionGate>();
        var status = new DaemonStatus(vai, supervisor, requests, gate);
        app.UsePool();
        requests.Use(app);
        reloads.Add("the API keys", () => app.Services.GetRequiredService<Doorkeeper>().Keys?.Read());
        draining.Use(app);
        app.UseAccess();
        app.UsePrefixSharing(sharing);
        app.UseAdmission();
        app.UseRouting();
        var access = new ApiAccess
        {
            Saved = saved,
            IsConfigured = name => vai.Configured.Any(m => m.Name == name),
            MaxSessionBytes = admission.MaxSessionBytes,
            Log = logs.CreateLogger("VAI.Daemon.Access"),
        };
        app.MapVai(vai, sessions, status.ReadAsync, access, draining.Ending);
        app.MapOpenAi(vai, new OpenAiOptions
        {
            IsReady = () => !stopping.IsCancellationRequested,
            Unavailable = () => supervisor.Unavailable,
            OtherMetrics = token => MetricsAsync(supervisor, token),
            Strict = () => live.Now.Strict ?? false,
            Sampling = name => live.Now.SamplingOf(name),
            Ending = draining.Ending,
            Settling = settling,
            SlowReaderTimeout = admission.SlowReaderTimeout,
            Leaves = name => supervisor.Wanted(name) is { Leaves: true },
        });
        try
        {
            await LoadAsync(options, vai, supervisor, log, stopping.Token).ConfigureAwait(false);
            live.OnModels(vai.Take);
            await app.StartAsync(stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            log.Stopped();
            return;
        }
        catch (IOException e)
        {
            throw NotHeard(options, e);
        }

        socket.Protect();
        premises.IsBound = true;
        log.Serving(vai.Models.Count, socket.Path, string.Concat(app.Urls.Where(u => !u.Contains("unix:")).Select(u => " and " + u)));
        SystemdNotify.Ready(log);
        using var watchdog = SystemdNotify.Watchdog(async () => supervisor.IsAlive && await socket.AnswersAsync().ConfigureAwait(false), log);
        Task over = await Task.WhenAny(supervisor.Completion, premises.Lost, Task.Delay(Timeout.InfiniteTimeSpan, stopping.Token)).ConfigureAwait(false);
        SystemdNotify.Stopping(log);
        premises.IsBound = false;
        await DrainAsync(app, gate, draining, requests, live.Now.DrainTime, log).ConfigureAwait(false);

        // Its error is the daemon's: whoever manages the service starts it anew.
        if (!stopping.IsCancellationRequested)
            await over.ConfigureAwait(false);
        log.Stopped();
    }

    // Found out before the models are burned, and not after.
    private static void CheckPort(ServeOptions options)
    {
        if (options.HttpEndPoint() is not { } http)
            return;
        try
        {
            using var socket = new Socket(http.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(http);
        }
        catch (SocketException e)
        {
            throw NotHeard(options, e);
        }
    }

    private static VaiUsageException NotHeard(ServeOptions options, Exception e) =>
        new(VaiError.InvalidOption, $"http: {options.Http} cannot be listened at ({e.Message}). Choose another port.", e);

    private static WebApplication Build(ServeOptions options, PublicSocket socket, ILoggerFactory logs, ILogger log)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(logs);
        builder.Services.AddRoutingCore();
        builder.Services.AddInlineTransport();
        builder.Services.AddSingleton<IConnectionListenerFactory, BoundedListeners>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        var admission = new AdmissionOptions();
        builder.Services.AddAccess(o => options.Access.Apply(o, options.ApiKeyFile));
        builder.Services.AddAdmission(o =>
        {
            admission = o;
            options.Access.Apply(o);
            if (OpenFiles.Limit is { } limit && OpenFiles.ConnectionsOf(limit, OpenFiles.Count) is var connections && connections < o.MaxConnections)
            {
                o.MaxConnections = connections;
                log.FewFiles(limit, o.MaxConnections);
            }
        });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureKestrelLimits(admission);
            kestrel.ListenUnixSocket(socket.Path);
            if (options.HttpEndPoint() is { } tcp)
                kestrel.Listen(tcp, static listen => listen.UseConnectionGuard());
        });
        return builder.Build();
    }

    // What the configuration has wrong is an error of the start; what one model has wrong is not one of the others, and is tried again.
    private static async Task LoadAsync(ServeOptions options, SupervisedVai vai, Supervisor supervisor, ILogger log, CancellationToken stop)
    {
        foreach (ServedModel served in options.Models)
        {
            var progress = new LoadLog(log);
            try
            {
                ModelHandle handle = await vai.LoadAsync(served.Name, progress, stop).ConfigureAwait(false);
                IModelContext model = vai.Select(handle);
                log.ModelServed(model.Name, model.Info.WeightBytes >> 20, model.LoadTime.TotalMilliseconds);
            }
            catch (VaiUsageException e) when (e.Code is VaiError.FileNotFound or VaiError.FileNotReadable or VaiError.InvalidOption)
            {
                throw new VaiUsageException(e.Code, $"model.{served.Name}: {e.Message}", e);
            }
            catch (VaiException e)
            {
                log.ModelNotLoaded(served.Name, e.Message);
                supervisor.Want(vai.Configured.First(m => m.Name == served.Name));
            }
        }
    }

    // Asked once more, it does not wait.
    private static void Stop(CancellationTokenSource stopping, Draining draining)
    {
        if (stopping.IsCancellationRequested)
            _ = draining.EndAsync();
        else
            stopping.Cancel();
    }

    // Who asks is answered until the end, be it by a refusal.
    private static async Task DrainAsync(
        WebApplication app, AdmissionGate gate, Draining draining, ActiveRequests requests, TimeSpan deadline, ILogger log)
    {
        log.Draining(requests.Count, deadline.TotalSeconds);
        draining.Begin();
        _ = gate.DrainAsync();
        Task none = requests.NoneAsync();
        await Task.WhenAny(none, Task.Delay(deadline, draining.Ending)).ConfigureAwait(false);
        if (!none.IsCompleted)
            log.Ending(requests.Count);
        await draining.EndAsync().ConfigureAwait(false);
        await Task.WhenAny(requests.NoneAsync(), Task.Delay(Grace)).ConfigureAwait(false);
        using var patience = new CancellationTokenSource();
        patience.CancelAfter(requests.Count == 0 ? Grace : TimeSpan.Zero);
        await app.StopAsync(patience.Token).ConfigureAwait(false);
    }

    // Nothing while there is no engine: the daemon's own are of use then, too.
    private static async ValueTask<string> MetricsAsync(Supervisor supervisor, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MetricsPatience);
        try
        {
            return (await supervisor.AskAsync(LinkMethod.Metrics, WireJson.Default.WireText, patience.Token).ConfigureAwait(false))?.Text ?? "";
        }
        catch (Exception e) when (e is VaiException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return "";
        }
    }

    private sealed class LoadLog(ILogger log) : IProgress<LoadProgress>
    {
        private readonly Lock _gate = new();
        private (LoadPhase Phase, int Tenth) _last = (LoadPhase.Checking, -1);

        public void Report(LoadProgress value)
        {
            // A burn takes a while; the other phases do not.
            if (value.Phase != LoadPhase.Burning)
                return;
            lock (_gate)
            {
                (LoadPhase, int) now = (value.Phase, (int)(value.Fraction * 4));
                if (now == _last)
                    return;
                _last = now;
            }

            log.ModelProgress(value.Model, value.Phase, value.Fraction * 100);
        }
    }
}
