using System.Diagnostics;
using System.Net;
using System.Reflection;
using System.Runtime.Versioning;
using VAI.Daemon.Hosting;
using VAI.Daemon.Hosting.Configuration;
using VAI.Daemon.Supervision.Engines;
using VAI.Remote;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests;

/// <summary>When no engine can be had. The daemon is in this process, so that it starts engines by a script that can be taken away.</summary>
[Collection(WaitCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class UnavailableTests : IDisposable
{
    private readonly ForgedModels _models;
    private readonly ITestOutputHelper _output;
    private readonly string _script;
    private readonly string _count;
    private readonly string _place;

    public UnavailableTests(ForgedModels models, ITestOutputHelper output)
    {
        (_models, _output) = (models, output);
        _script = models.NewFile("engine.sh");
        _count = models.NewFile("count");
        _place = models.NewPlace();
        string program = Path.Combine(
            typeof(DaemonProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "VaiDirectory").Value!, "vai.dll");
        File.WriteAllText(_script, $$"""
            #!/bin/sh
            n=$(cat {{_count}} 2>/dev/null || echo 0)
            if [ "$n" -gt 0 ]; then echo $((n - 1)) > {{_count}}; exit 3; fi
            exec {{DaemonProcess.DotNet}} {{program}} worker "$@"
            """);
        File.SetUnixFileMode(_script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private string SocketPath => Path.Combine(_place, "vai.sock");

    public void Dispose() => File.Delete(_count);

    [Fact]
    public async Task Without_its_program_the_daemon_says_so_at_once_and_serves_again_when_it_is_back()
    {
        using var stop = new CancellationTokenSource();
        int port = Loopback.FreePort();
        Task daemon = ServeAsync(stop.Token, port: port);
        using HttpClient http = LocalHttp.Client(SocketPath);
        await UntilAsync(http, HttpStatusCode.OK);
        await using var vai = new RemoteVai(new SocketEndpoint(SocketPath, TimeSpan.Zero));
        var expected = new StreamRun("a", 1, 200);
        await expected.RunAsync(vai);

        File.Move(_script, _script + ".away");
        var actual = new StreamRun("a", 1, 200);
        var gone = new TaskCompletionSource();
        int seen = 0;
        Task stream = actual.RunAsync(vai, () =>
        {
            if (++seen != 20)
                return;
            foreach (int engine in Engines())
                Process.GetProcessById(engine).Kill();
            gone.SetResult();
        });
        await gone.Task;
        long since = Stopwatch.GetTimestamp();
        string reason = await UntilAsync(http, HttpStatusCode.ServiceUnavailable);
        _output.WriteLine($"503 after {Stopwatch.GetElapsedTime(since).TotalMilliseconds:F0} ms: {reason}");
        Assert.Contains("could not be started", reason);
        (HttpStatusCode status, string body) = await LocalHttp.PostAsync(http, "v1/completions", """{"model":"a","prompt":"x","max_tokens":1}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("engine_lost", body);

        // Who is on this machine is told which file it is, who comes over TCP its name.
        using var far = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        (_, string told) = await LocalHttp.PostAsync(far, "v1/completions", """{"model":"a","prompt":"x","max_tokens":1}""");
        string health = await UntilAsync(far, HttpStatusCode.ServiceUnavailable);
        Assert.Contains(_script, reason);
        Assert.Contains(_script, body);
        Assert.All([told, health], t => Assert.Contains(Path.GetFileName(_script), t));
        Assert.All([told, health], t => Assert.DoesNotContain(Path.GetDirectoryName(_script)!, t));

        File.Move(_script + ".away", _script);
        since = Stopwatch.GetTimestamp();
        await UntilAsync(http, HttpStatusCode.OK);
        _output.WriteLine($"served again after {Stopwatch.GetElapsedTime(since).TotalMilliseconds:F0} ms");

        // Who had begun has waited.
        await stream;
        StreamRun.Same(expected, actual);
        await stop.CancelAsync();
        await daemon;
    }

    [Fact]
    public async Task Engines_that_exit_at_once_ten_times_are_followed_by_one_that_serves()
    {
        using var stop = new CancellationTokenSource();
        Task daemon = ServeAsync(stop.Token);
        using HttpClient http = LocalHttp.Client(SocketPath);
        await UntilAsync(http, HttpStatusCode.OK);
        await using var vai = new RemoteVai(new SocketEndpoint(SocketPath, TimeSpan.Zero));
        await File.WriteAllTextAsync(_count, "10");
        foreach (int engine in Engines())
            Process.GetProcessById(engine).Kill();
        Assert.Contains("ended before it was ready", await UntilAsync(http, HttpStatusCode.ServiceUnavailable));
        await UntilAsync(http, HttpStatusCode.OK);
        await new StreamRun("a", 1, 16).RunAsync(vai);
        Assert.Equal("0", (await File.ReadAllTextAsync(_count)).Trim());
        await stop.CancelAsync();
        await daemon;
    }

    [Fact]
    public async Task After_a_budget_of_failures_the_daemon_ends_with_an_error()
    {
        Task daemon = ServeAsync(default, failures: 4);
        using HttpClient http = LocalHttp.Client(SocketPath);
        await UntilAsync(http, HttpStatusCode.OK);
        File.Move(_script, _script + ".away");
        foreach (int engine in Engines())
            Process.GetProcessById(engine).Kill();
        VaiException error = await Assert.ThrowsAsync<VaiEngineException>(() => daemon);
        Assert.Equal(VaiError.EngineLost, error.Code);
        Assert.Contains("4 engine processes", error.Message);
    }

    [Fact]
    public async Task A_stop_before_it_serves_is_no_failure_and_leaves_no_engine()
    {
        string silent = _models.NewFile("silent.sh");
        await File.WriteAllTextAsync(silent, "#!/bin/sh\nread line\n");
        File.SetUnixFileMode(silent, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var stop = new CancellationTokenSource();
        Task daemon = ServeAsync(stop.Token, program: silent);
        while (Engines().Count == 0)
        {
            Assert.False(daemon.IsCompleted);
            await Task.Delay(5);
        }

        await stop.CancelAsync();
        await daemon;
        Assert.Empty(Engines());
    }

    private static IReadOnlyList<int> Engines() => DaemonProcess.Engines(Environment.ProcessId);

    private Task ServeAsync(CancellationToken stop, int? failures = null, int? port = null, string? program = null) => Task.Run(
        () => DaemonHost.RunAsync(
            new ServeOptions
            {
                Models = [new ServedModel("a", _models.Model("tiny", 1))],
                Socket = SocketPath,
                Http = port is null ? null : $"127.0.0.1:{port}",
                Profile = RomProfile.Exact,
                Context = 512,
                RomDirectory = _models.NewRomDirectory(),
                EngineFailures = failures,
            },
            new WorkerCommand(program ?? _script, []),
            stop),
        CancellationToken.None);

    /// <summary>Asks for its health until it is that; the answer's text. A daemon that never gets there, as with an engine of another build, is said to.</summary>
    private static async Task<string> UntilAsync(HttpClient http, HttpStatusCode status)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        string last = "nobody listened";
        while (!patience.IsCancellationRequested)
        {
            try
            {
                using HttpResponseMessage response = await http.GetAsync("health", patience.Token);
                last = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(patience.Token)}";
                if (response.StatusCode == status)
                    return last;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // It does not listen yet, or never answers.
            }

            await Task.Delay(10);
        }

        throw new TimeoutException($"It was never {(int)status}: {last}");
    }
}
