using System.Diagnostics;
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

    private static string[] Images(string directory) =>
        [.. new DirectoryInfo(directory).GetFiles("*.rom").Select(f => $"{f.Name} {f.Length} {f.LastWriteTimeUtc:O}").Order()];
}
