using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using VAI.Remote;

namespace VAI.Daemon.FaultTests;

/// <summary>The supervisor's own death, its end, and who may be one.</summary>
[Collection(FaultCollection.Name)]
public sealed class SupervisorTests(ForgedModels models)
{
    [Fact]
    public async Task Engine_ends_with_a_killed_supervisor_and_the_next_one_attaches_what_was_burned()
    {
        string roms = models.NewRomDirectory();
        string place = models.NewPlace();
        string[] arguments = ["--model", $"a={models.Model("tiny", 1)}", "--rom-dir", roms];
        string[] images;
        await using (DaemonProcess daemon = await DaemonProcess.ServeAsync(place, arguments))
        {
            Assert.Contains("Burning", daemon.Log);
            images = Images(roms);
            await using RemoteVai vai = daemon.Connect();
            using Process worker = await daemon.WorkerAsync();
            await using IInferenceSession session = vai.Select("a").OpenSession();
            await using IAsyncEnumerator<InferenceUpdate> stream =
                session.InferAsync("Once", InferenceOptions.Greedy with { MaxTokens = 1500, LogitBias = StreamRun.NoEnd }).GetAsyncEnumerator();
            Assert.True(await stream.MoveNextAsync());

            // It decodes at the time.
            await daemon.KillAsync();
            await worker.WaitForExitAsync();
            VaiException gone = await Assert.ThrowsAsync<VaiEngineException>(async () =>
            {
                while (await stream.MoveNextAsync())
                    Assert.Null(stream.Current.Result);
            });
            Assert.Equal(VaiError.DaemonUnavailable, gone.Code);
        }

        Assert.Equal(images, Images(roms));
        await using DaemonProcess next = await DaemonProcess.ServeAsync(place, arguments);
        Assert.DoesNotContain("Burning", next.Log);
        await using RemoteVai again = next.Connect();
        var run = new StreamRun("a", 1, 8);
        await run.RunAsync(again);
        Assert.Equal(SwitchClass.Attached, run.Result!.SwitchClass);
        Assert.Equal(images, Images(roms));
    }

    [Fact]
    public async Task Of_two_daemons_on_one_rom_directory_one_wins()
    {
        string roms = models.NewRomDirectory();
        await using DaemonProcess one = DaemonProcess.Start(models.NewPlace(), "--rom-dir", roms);
        await using DaemonProcess other = DaemonProcess.Start(models.NewPlace(), "--rom-dir", roms);
        bool[] ready = await Task.WhenAll(one.IsReadyAsync(), other.IsReadyAsync());
        Assert.Single(ready, r => r);
        (DaemonProcess winner, DaemonProcess loser) = ready[0] ? (one, other) : (other, one);
        Assert.Equal(2, loser.ExitCode);
        Assert.Contains($"process {winner.Id}", loser.Log);
        Assert.DoesNotContain("   at ", loser.Log);

        await winner.KillAsync();
        await using DaemonProcess third = await DaemonProcess.ServeAsync(models.NewPlace(), "--rom-dir", roms);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task A_live_socket_is_refused_and_a_dead_one_replaced()
    {
        string place = models.NewPlace();
        await using (DaemonProcess first = await DaemonProcess.ServeAsync(place, "--rom-dir", models.NewRomDirectory()))
        {
            await using DaemonProcess second = DaemonProcess.Start(place, "--rom-dir", models.NewRomDirectory());
            Assert.False(await second.IsReadyAsync());
            Assert.Equal(2, second.ExitCode);
            Assert.Contains($"process {first.Id}", second.Log);
            Assert.True(Path.Exists(first.SocketPath));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(first.SocketPath));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(first.SocketPath)!));
            await first.KillAsync();
            Assert.True(Path.Exists(first.SocketPath));
        }

        await using DaemonProcess third = await DaemonProcess.ServeAsync(place, "--rom-dir", models.NewRomDirectory());
    }

    [Fact]
    public async Task A_graceful_stop_drains()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        using Process worker = await daemon.WorkerAsync();
        var first = new TaskCompletionSource();
        var run = new StreamRun("a", 1, 512);
        Task running = run.RunAsync(vai, () => first.TrySetResult());
        await first.Task;
        await daemon.SignalAsync("TERM");
        Assert.Equal("STOPPING=1", await daemon.NotificationAsync());
        await running;
        Assert.Equal(512, run.Tokens.Count);
        await daemon.Exited;
        Assert.Equal(0, daemon.ExitCode);
        Assert.False(Path.Exists(daemon.SocketPath));
        await worker.WaitForExitAsync();

        // That its socket goes is its own doing.
        Assert.DoesNotContain("VAI.Daemon[309]", daemon.Log);
    }

    [Fact]
    public async Task A_stop_does_not_wait_beyond_its_deadline()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("small", 1)}", "--rom-dir", models.NewRomDirectory(), "--drain", "0");
        await using RemoteVai vai = daemon.Connect();
        var first = new TaskCompletionSource();
        var run = new StreamRun("a", 1, 2000);
        Task running = run.RunAsync(vai, () => first.TrySetResult());
        await first.Task;
        await daemon.SignalAsync("TERM");
        await daemon.Exited;
        Assert.Equal(0, daemon.ExitCode);
        VaiException gone = await Assert.ThrowsAnyAsync<VaiException>(() => running);
        Assert.Equal(VaiError.DaemonUnavailable, gone.Code);
        Assert.InRange(run.Tokens.Count, 1, 1999);
    }

    [Fact]
    public async Task Directories_that_are_removed_under_it_are_owned_again_and_engines_go_on_being_started()
    {
        string roms = models.NewRomDirectory(), place = models.NewPlace();
        int port = Loopback.FreePort();
        string[] arguments = ["--model", $"a={models.Model("tiny", 1)}", "--rom-dir", roms, "--http", $"127.0.0.1:{port}"];
        await using (DaemonProcess daemon = await DaemonProcess.ServeAsync(place, arguments))
        {
            await daemon.StandsByAsync();

            // The socket is gone with its directory.
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
            await CompleteAsync(http);
            Directory.Delete(place, recursive: true);
            Directory.Delete(roms, recursive: true);
            await daemon.LogsAsync("VAI.Daemon[308]");
            await daemon.LogsAsync("VAI.Daemon[309]");
            for (int kills = 1; kills <= 2; kills++)
            {
                foreach (int engine in daemon.Engines())
                    Process.GetProcessById(engine).Kill();
                await daemon.LogsAsync("VAI.Supervisor[311]", kills);
                await CompleteAsync(http);
            }

            await daemon.KillAsync();
        }

        await using DaemonProcess next = await DaemonProcess.ServeAsync(place, arguments);
    }

    [Fact]
    public async Task As_many_connections_as_there_may_be_files_keep_no_engine_from_being_started_and_are_let_go()
    {
        const int Files = 256, Connections = 400;
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), [], ["--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory()],
            ["sh", "-c", $"ulimit -n {Files}; exec \"$0\" \"$@\""]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        await daemon.StandsByAsync();
        var held = new List<Socket>();
        try
        {
            for (int i = 0; i < Connections; i++)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                held.Add(socket);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(daemon.SocketPath));
            }

            foreach (int engine in daemon.Engines())
                Process.GetProcessById(engine).Kill();
            await daemon.LogsAsync("VAI.Supervisor[311]");
            await daemon.LogsAsync("VAI.Supervisor[313]", 2);
        }
        finally
        {
            held.ForEach(s => s.Dispose());
        }

        // One more than there may be is closed, until the others' ends were seen.
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        for (int left = 3_000; ; left--)
        {
            try
            {
                await CompleteAsync(http);
                break;
            }
            catch (HttpRequestException) when (left > 0)
            {
                Assert.DoesNotContain("Stopping", daemon.Log);
                await Task.Delay(10);
            }
        }
    }

    [Fact]
    public async Task Without_an_engine_that_starts_it_ends_and_says_why()
    {
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), new Dictionary<string, string> { ["VAI_LLAMA_DIR"] = models.NewPlace() }, ["--rom-dir", models.NewRomDirectory()]);
        Assert.False(await daemon.IsReadyAsync());
        Assert.Equal(1, daemon.ExitCode);
        Assert.Contains("ended before it was ready", daemon.Log);
        Assert.DoesNotContain("   at ", daemon.Log);
    }

    [Fact]
    public async Task A_port_that_another_has_is_said_before_anything_is_burned()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        int port = ((IPEndPoint)other.LocalEndPoint!).Port;
        string roms = models.NewRomDirectory();
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", roms, "--http", $"127.0.0.1:{port}");
        Assert.False(await daemon.IsReadyAsync());
        Assert.Equal(2, daemon.ExitCode);
        Assert.Contains("Choose another port", daemon.Log);
        Assert.DoesNotContain("   at ", daemon.Log);
        Assert.False(Directory.Exists(roms));
    }

    [Fact]
    public async Task Where_no_large_file_may_be_written_a_burn_says_so_and_ends_no_engine()
    {
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), new Dictionary<string, string> { ["DOTNET_EnableWriteXorExecute"] = "0" },
            ["--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory()],
            ["sh", "-c", "ulimit -f 8; exec \"$0\" \"$@\""]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        Assert.Contains("VAI.Daemon[322]", daemon.Log);
        Assert.DoesNotContain("VAI.Supervisor[310]", daemon.Log);
    }

    [Fact]
    public async Task It_says_that_it_lives_when_it_answers()
    {
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), new Dictionary<string, string> { ["WATCHDOG_USEC"] = "300000" }, ["--rom-dir", models.NewRomDirectory()]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        Assert.Equal("WATCHDOG=1", await daemon.NotificationAsync());

        // Without its socket nobody can be asked, and that is said otherwise.
        File.Delete(daemon.SocketPath);
        await daemon.LogsAsync("VAI.Daemon[309]");
        for (int told = 0; told < 3; told++)
            Assert.Equal("WATCHDOG=1", await daemon.NotificationAsync());
    }

    [Fact]
    public async Task The_first_who_asks_is_told_of_memory()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        Assert.NotEqual(0, (await vai.StatusAsync(default)).Models.Single().SramTokens);
    }

    /// <summary>One that starts, or whose cores compile for a device: its first answer is late, and how much SRAM there is was said with the load.</summary>
    [Fact]
    public async Task An_engine_that_does_not_answer_leaves_the_size_of_SRAM_known()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory(), "--ctx", "512", "--sram", "1024");
        await using RemoteVai vai = daemon.Connect();
        int[] engines = [.. daemon.Engines()];
        await Task.WhenAll(engines.Select(e => DaemonProcess.SignalAsync("STOP", e)));
        try
        {
            var model = (await vai.StatusAsync(default)).Models.Single();
            Assert.Equal((true, 0, 1024), (model.Loaded, model.SramUsed, model.SramTokens));
        }
        finally
        {
            await Task.WhenAll(engines.Select(e => DaemonProcess.SignalAsync("CONT", e)));
        }
    }

    private static async Task CompleteAsync(HttpClient http)
    {
        (HttpStatusCode status, string body) = await LocalHttp.PostAsync(http, "v1/completions", """{"model":"a","prompt":"x","max_tokens":4}""");
        Assert.True(status == HttpStatusCode.OK, body);
    }

    private static string[] Images(string directory) =>
        [.. new DirectoryInfo(directory).GetFiles("*.rom").Select(f => $"{f.Name} {f.Length} {f.LastWriteTimeUtc:O}").Order()];
}
