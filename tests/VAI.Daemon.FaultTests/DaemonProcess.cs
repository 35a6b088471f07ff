using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using VAI.Remote;

namespace VAI.Daemon.FaultTests;

/// <summary>The real <c>vai serve</c>, where the build put it, as a process of its own. Killed on disposal if it still runs.</summary>
/// <remarks>
/// <c>VAI_TEST_PROGRAM</c> names another <c>vai</c>, as it is published; <c>VAI_TEST_THREADS</c> says on how many threads it computes: one if not
/// given, as two daemons run side by side, and threads of both that wait for each other would take the cores from those that have something to do.
/// </remarks>
internal sealed class DaemonProcess : IAsyncDisposable
{
    private static readonly string Threads = Environment.GetEnvironmentVariable("VAI_TEST_THREADS") ?? "1";

    public static string Program { get; } = Path.Combine(
        typeof(DaemonProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "VaiDirectory").Value!, "vai.dll");

    public static string DotNet { get; } =
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";

    private readonly Process _process;
    private readonly Socket _notified;
    private readonly string _place;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource _standsBy = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;

    private DaemonProcess(Process process, Socket notified, string place)
    {
        (_process, _notified, _place) = (process, notified, place);
        _reading = ReadAsync();
    }

    public int Id => _process.Id;

    public string SocketPath => SocketIn(_place);

    public string Log => string.Join('\n', _log);

    public Task Exited => _process.WaitForExitAsync();

    public int ExitCode => _process.ExitCode;

    public static DaemonProcess Start(string place, params string[] arguments) => Start(place, [], arguments);

    /// <summary>With variables of its own, and by a command that becomes it, such as unshare(1).</summary>
    public static DaemonProcess Start(string place, Dictionary<string, string> environment, string[] arguments, string[]? under = null)
    {
        // As systemd does it, in the abstract namespace.
        string name = $"vai-fault-{Guid.NewGuid():N}";
        var notified = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notified.Bind(new UnixDomainSocketEndPoint("\0" + name));
        string? published = Environment.GetEnvironmentVariable("VAI_TEST_PROGRAM");
        string[] line = [.. under ?? [], .. published is null ? (string[])[DotNet, Program] : [published], "serve", "--socket", SocketIn(place), "--threads", Threads, .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardError = true };
        foreach ((string key, string value) in environment)
            start.Environment[key] = value;
        start.Environment["NOTIFY_SOCKET"] = "@" + name;
        return new DaemonProcess(Process.Start(start)!, notified, place);
    }

    /// <summary>A daemon that serves.</summary>
    public static async Task<DaemonProcess> ServeAsync(string place, params string[] arguments)
    {
        DaemonProcess daemon = Start(place, arguments);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        return daemon;
    }

    /// <summary>Waits until it serves; false if it ends before.</summary>
    public async Task<bool> IsReadyAsync()
    {
        Task<string> told = NotificationAsync();
        await Task.WhenAny(told, Exited);
        if (!told.IsCompleted)
        {
            await _reading;
            return false;
        }

        Assert.Equal("READY=1", await told);
        return true;
    }

    /// <summary>Waits until a second engine process stands by: before that the daemon is not at rest, and is slower than it will be.</summary>
    public async Task StandsByAsync()
    {
        await Task.WhenAny(_standsBy.Task, Exited);
        Assert.True(_standsBy.Task.IsCompleted, Log);
    }

    /// <summary>What it tells systemd next.</summary>
    public async Task<string> NotificationAsync()
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, await _notified.ReceiveAsync(buffer));
    }

    /// <summary>A client. One whose daemon is gone is told so at once.</summary>
    public RemoteVai Connect() => new(new SocketEndpoint(SocketPath, TimeSpan.Zero));

    /// <summary>The engine process, once there is one.</summary>
    public async Task<Process> WorkerAsync()
    {
        await using RemoteVai vai = Connect();
        while (true)
        {
            if ((await vai.StatusAsync(default)).WorkerId is { } id)
                return Process.GetProcessById(id);
        }
    }

    /// <summary>Its engine processes: the one that serves, one that stands by, and what else there is.</summary>
    public IReadOnlyList<int> Engines() => Engines(Id);

    /// <summary>Those of a daemon in that process.</summary>
    public static IReadOnlyList<int> Engines(int process) =>
    [
        .. Directory.EnumerateDirectories($"/proc/{process}/task").SelectMany(t => Read(Path.Combine(t, "children")).Split(' '))
            .Where(c => c.Length > 0).Select(int.Parse).Where(c => Read($"/proc/{c}/cmdline").Contains("--config-json", StringComparison.Ordinal)),
    ];

    /// <summary>Waits until its log has so many lines with that text, for two minutes at most.</summary>
    public async Task LogsAsync(string text, int times = 1)
    {
        long since = Stopwatch.GetTimestamp();
        while (_log.Count(l => l.Contains(text, StringComparison.Ordinal)) < times)
        {
            Assert.False(_process.HasExited || Stopwatch.GetElapsedTime(since) > TimeSpan.FromMinutes(2), $"'{text}' was never said:\n{Log}");
            await Task.Delay(10);
        }
    }

    /// <summary>SIGKILL of the supervisor.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await Exited;
    }

    public Task SignalAsync(string name) => SignalAsync(name, Id);

    public static async Task SignalAsync(string name, int process)
    {
        using var kill = Process.Start("kill", ["-" + name, $"{process}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        await _reading;
        _process.Dispose();
        _notified.Dispose();
    }

    // A thread or a process may end meanwhile.
    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string SocketIn(string place) => Path.Combine(place, "vai.sock");

    private async Task ReadAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _log.Enqueue(line);
            if (line.Contains("VAI.Supervisor[313]", StringComparison.Ordinal))
                _standsBy.TrySetResult();
        }
    }
}
