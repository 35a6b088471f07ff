using System.Diagnostics;
using System.Runtime.Versioning;
using VAI.Daemon.Hosting;
using VAI.Daemon.Hosting.Configuration;
using VAI.Daemon.Supervision.Engines;
using VAI.Remote;

namespace VAI.Daemon.FaultTests.Machine;

/// <summary>A standby that cannot be had: whoever serves notices nothing of it, and there is one again as soon as there can be.</summary>
[Collection(WaitCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class StandbyTests(ForgedModels models)
{
    // The event: other lines say that none stands by.
    private const string StandsBy = "VAI.Supervisor[313]";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task One_that_is_killed_is_replaced_by_itself()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        await new StreamRun("a", 1, 8).RunAsync(vai);
        for (int round = 1; round <= 2; round++)
        {
            await daemon.LogsAsync(StandsBy, round);
            using Process engine = await daemon.WorkerAsync();
            Process.GetProcessById(daemon.Engines().Single(e => e != engine.Id)).Kill();
        }

        await daemon.LogsAsync("No engine process stands by: it ended", 2);
        await daemon.LogsAsync(StandsBy, 3);
        Assert.Equal(0, (await vai.StatusAsync(default)).WorkerRestarts);
    }

    /// <summary>
    /// Its start fails for memory, again and again: the daemon is in this process and starts engines by a script, which leaves them less address space than
    /// .NET needs while there is a file.
    /// </summary>
    [Fact]
    public async Task One_whose_start_fails_for_memory_is_tried_again_until_there_is_some()
    {
        string low = models.NewFile("low"), count = models.NewFile("count"), script = models.NewFile("engine.sh"), place = models.NewPlace();
        await File.WriteAllTextAsync(script, $$"""
            #!/bin/sh
            if [ -f {{low}} ]; then echo >> {{count}}; ulimit -v 100000; fi
            exec {{DaemonProcess.DotNet}} {{DaemonProcess.Program}} worker "$@"
            """);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var stop = new CancellationTokenSource();
        string socket = Path.Combine(place, "vai.sock");
        Task daemon = Task.Run(() => DaemonHost.RunAsync(
            new ServeOptions
            {
                Models = [new ServedModel("a", models.Model("tiny", 1))],
                Socket = socket,
                Profile = RomProfile.Exact,
                Context = 512,
                RomDirectory = models.NewRomDirectory(),
            },
            new WorkerCommand(script, []),
            stop.Token));
        using HttpClient http = LocalHttp.Client(socket);
        await UntilAsync(async () => File.Exists(socket) && (await http.GetAsync("health")).IsSuccessStatusCode);

        // From here on: the first one serves, and there is none beside it yet, or there is and it goes.
        await File.WriteAllTextAsync(low, "");
        await using var vai = new RemoteVai(new SocketEndpoint(socket, TimeSpan.Zero));
        int serving = (await vai.StatusAsync(default)).WorkerId!.Value;
        foreach (int other in Engines().Where(e => e != serving))
            Process.GetProcessById(other).Kill();
        var expected = new StreamRun("a", 1, 200);
        await expected.RunAsync(vai);
        await UntilAsync(() => Task.FromResult(File.Exists(count) && File.ReadAllLines(count).Length >= 3));
        var beside = new StreamRun("a", 1, 200);
        await beside.RunAsync(vai).WaitAsync(Limit);
        StreamRun.Same(expected, beside);
        Assert.Equal((serving, 0), (await vai.StatusAsync(default) is var s ? (s.WorkerId, s.WorkerRestarts) : default));

        // With memory there is one by itself, and it takes over.
        File.Delete(low);
        int standby = 0;
        await UntilAsync(() => Task.FromResult((standby = Engines().FirstOrDefault(e => e != serving)) != 0));
        var actual = new StreamRun("a", 1, 200);
        int seen = 0;
        await actual.RunAsync(vai, () =>
        {
            if (++seen == 20)
                Process.GetProcessById(serving).Kill();
        }).WaitAsync(Limit);
        StreamRun.Same(expected, actual);
        Assert.Equal((standby, 1), (await vai.StatusAsync(default) is var now ? (now.WorkerId, now.WorkerRestarts) : default));
        await stop.CancelAsync();
        await daemon.WaitAsync(Limit);
    }

    private static IReadOnlyList<int> Engines() => DaemonProcess.Engines(Environment.ProcessId);

    private static async Task UntilAsync(Func<Task<bool>> so)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await so())
            await Task.Delay(10, limit.Token);
    }
}
