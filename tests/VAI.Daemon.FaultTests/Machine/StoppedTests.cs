using System.Diagnostics;
using System.Net;
using VAI.Remote;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests.Machine;

/// <summary>Processes that the kernel gives no time for a while: the supervisor, and a client. What they sleep through is nobody else's fault.</summary>
[Collection(StopCollection.Name)]
public sealed class StoppedTests(ForgedModels models, ITestOutputHelper output)
{
    private const string BrokenOff = "slow_readers_total";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_stopped_supervisor_condemns_nobody_when_it_goes_on_and_its_streams_go_on()
    {
        await using DaemonProcess daemon = await ServeAsync("--patience", "1");
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = Runs();
        await Task.WhenAll(expected.Select(r => r.RunAsync(vai)));
        await daemon.StandsByAsync();
        int[] engines = [.. daemon.Engines().Order()];
        int left = 300;
        var stopped = new TaskCompletionSource();
        StreamRun[] actual = Runs();
        Task streams = Task.WhenAll(actual.Select(r => r.RunAsync(vai, () =>
        {
            if (Interlocked.Decrement(ref left) != 0)
                return;
            daemon.SignalAsync("STOP").Wait();
            stopped.SetResult();
        })));
        await stopped.Task.WaitAsync(Limit);

        // Who comes meanwhile waits in the backlog.
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        Task<(HttpStatusCode Status, string Body)> asked = LocalHttp.PostAsync(http, "v1/completions", """{"model":"a","prompt":"x","max_tokens":1}""");
        await Task.Delay(TimeSpan.FromSeconds(6));
        Assert.False(streams.IsCompleted);
        Assert.False(asked.IsCompleted);
        await daemon.SignalAsync("CONT");
        await streams.WaitAsync(Limit);
        Assert.Equal(HttpStatusCode.OK, (await asked.WaitAsync(Limit)).Status);
        for (int i = 0; i < expected.Length; i++)
            StreamRun.Same(expected[i], actual[i]);
        Assert.Equal(0, (await vai.StatusAsync(default)).WorkerRestarts);
        Assert.Equal(engines, daemon.Engines().Order());
        Assert.DoesNotContain("hangs", daemon.Log);
    }

    /// <summary>In whatever part of a takeover that finds it: the standby has a second to answer, of which the supervisor sleeps through all.</summary>
    [Fact]
    public async Task A_supervisor_that_is_stopped_while_one_takes_over_does_not_blame_that_one()
    {
        const int Rounds = 4;
        await using DaemonProcess daemon = await ServeAsync();
        await using RemoteVai vai = daemon.Connect();
        var expected = new StreamRun("a", 1, 200);
        await expected.RunAsync(vai);
        for (int round = 0; round < Rounds; round++)
        {
            await daemon.LogsAsync("VAI.Supervisor[313]", round + 1);
            using Process engine = await daemon.WorkerAsync();
            int standby = Assert.Single(daemon.Engines(), e => e != engine.Id);
            var actual = new StreamRun("a", 1, 200);
            var begun = new TaskCompletionSource();
            int seen = 0;
            Task stream = actual.RunAsync(vai, () =>
            {
                if (++seen == 20)
                    begun.SetResult();
            });
            await begun.Task.WaitAsync(Limit);

            // It is asked while it sleeps, and answers while the supervisor does.
            await DaemonProcess.SignalAsync("STOP", standby);
            engine.Kill();
            await engine.WaitForExitAsync().WaitAsync(Limit);
            await Task.Delay(TimeSpan.FromMilliseconds(200));
            await daemon.SignalAsync("STOP");
            await DaemonProcess.SignalAsync("CONT", standby);
            await Task.Delay(TimeSpan.FromSeconds(1.5));
            await daemon.SignalAsync("CONT");
            await stream.WaitAsync(Limit);
            StreamRun.Same(expected, actual);
            using Process serving = await daemon.WorkerAsync();
            Assert.True(standby == serving.Id, daemon.Log);
        }

        Assert.Equal(Rounds, (await vai.StatusAsync(default)).WorkerRestarts);
        output.WriteLine(daemon.Log);
        Assert.DoesNotContain("has not answered", daemon.Log);
    }

    /// <summary>Ctrl+Z in the middle of an answer, for longer than a slow reader is waited for.</summary>
    [Fact]
    public async Task A_stopped_client_holds_up_nobody_and_goes_on_where_it_was()
    {
        await using DaemonProcess daemon = await ServeAsync("--sessions", "1", "--ctx", "2048", "--sram", "2048", "--slow-reader", "2");
        await using RemoteVai vai = daemon.Connect();
        var expected = new StreamRun("a", 3, 100);
        await expected.RunAsync(vai);
        string said;
        using (Process undisturbed = await ChatAsync(daemon))
            said = await undisturbed.StandardOutput.ReadToEndAsync().WaitAsync(Limit);
        using Process client = await ChatAsync(daemon);
        try
        {
            char[] first = new char[8];
            Assert.Equal(first.Length, await client.StandardOutput.ReadBlockAsync(first).AsTask().WaitAsync(Limit));
            await DaemonProcess.SignalAsync("STOP", client.Id);
            using HttpClient http = LocalHttp.Client(daemon.SocketPath);
            Assert.DoesNotContain(BrokenOff, await http.GetStringAsync("metrics"));
            long since = Stopwatch.GetTimestamp();

            // A machine that is busy sends it in few, large pieces, of which all may find room on the way: then it is at its end.
            while (!(await http.GetStringAsync("metrics")).Contains(BrokenOff, StringComparison.Ordinal) && (await vai.SessionsAsync(default)).Any(s => s.Running))
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < Limit, $"Its stream neither ended nor was broken off. {daemon.Log}");

                // The one place that there is goes to others meanwhile.
                var actual = new StreamRun("a", 3, 100);
                await actual.RunAsync(vai).WaitAsync(Limit);
                StreamRun.Same(expected, actual);
            }

            Assert.NotEmpty(await vai.SessionsAsync(default));
            await DaemonProcess.SignalAsync("CONT", client.Id);
            string rest = await client.StandardOutput.ReadToEndAsync().WaitAsync(Limit);
            Assert.Equal(said, new string(first) + rest);
            await client.WaitForExitAsync().WaitAsync(Limit);
            Assert.Equal(0, client.ExitCode);
        }
        finally
        {
            client.Kill();
        }

        Assert.Equal(0, (await vai.StatusAsync(default)).WorkerRestarts);
    }

    private static async Task<Process> ChatAsync(DaemonProcess daemon)
    {
        string[] line = [DaemonProcess.Program, "chat", "a", "--socket", daemon.SocketPath, "--tokens", "1900", "--seed", "7", "--temp", "0.9"];
        Process chat = Process.Start(new ProcessStartInfo(DaemonProcess.DotNet, line) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await chat.StandardInput.WriteLineAsync("Tell a long story about adders");
        chat.StandardInput.Close();
        return chat;
    }

    private static StreamRun[] Runs() => [.. Enumerable.Range(1, 8).Select(i => new StreamRun("a", (uint)i, 128))];

    private Task<DaemonProcess> ServeAsync(params string[] more) => DaemonProcess.ServeAsync(
        models.NewPlace(),
        ["--model", $"a={models.Model("tiny", 1)}", "--profile", "exact", .. more.Contains("--ctx") ? [] : (string[])["--ctx", "512", "--sram", "8192"],
            "--rom-dir", models.NewRomDirectory(), .. more]);
}
