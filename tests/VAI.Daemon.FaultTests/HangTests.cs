using System.Diagnostics;
using System.Globalization;
using System.Net;
using VAI.Remote;
using VAI.Remote.Wire;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests;

/// <summary>Engines that hang, and those that only have much to do.</summary>
/// <remarks><c>VAI_TEST_BURST</c> is how many requests come at once.</remarks>
[Collection(WaitCollection.Name)]
public sealed class HangTests(ForgedModels models, ITestOutputHelper output)
{
    private static int Burst { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_BURST"), CultureInfo.InvariantCulture, out int number) ? number : 2000;

    [Fact]
    public async Task A_burst_of_requests_ends_no_engine_and_disturbs_no_stream()
    {
        await using DaemonProcess daemon = await ServeAsync();
        await using RemoteVai vai = daemon.Connect();
        var expected = new StreamRun("a", 1, 400);
        await expected.RunAsync(vai);
        var actual = new StreamRun("a", 1, 400);
        var first = new TaskCompletionSource();
        Task stream = actual.RunAsync(vai, () => first.TrySetResult());
        await first.Task;
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        HttpStatusCode[] statuses = await BurstAsync(http, Burst);
        await stream;
        StreamRun.Same(expected, actual);
        await AssertUnharmedAsync(vai);
        output.WriteLine($"{Burst} at once: {string.Join(", ", statuses.GroupBy(s => s).Select(g => $"{g.Count()} x {(int)g.Key}"))}");
    }

    [Fact]
    public async Task An_engine_that_is_stopped_for_a_while_under_requests_is_not_ended()
    {
        await using DaemonProcess daemon = await ServeAsync();
        await using RemoteVai vai = daemon.Connect();
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        using Process engine = await daemon.WorkerAsync();
        await DaemonProcess.SignalAsync("STOP", engine.Id);
        Task<HttpStatusCode[]> burst = BurstAsync(http, Burst / 2);
        await Task.Delay(TimeSpan.FromSeconds(3));
        await DaemonProcess.SignalAsync("CONT", engine.Id);
        await burst;
        await AssertUnharmedAsync(vai);
    }

    [Fact]
    public async Task An_engine_that_hangs_is_replaced_and_all_streams_go_on()
    {
        await using DaemonProcess daemon = await ServeAsync("--patience", "1");
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = Runs();
        await Task.WhenAll(expected.Select(r => r.RunAsync(vai)));
        await daemon.StandsByAsync();
        using Process engine = await daemon.WorkerAsync();
        int left = 200;
        var stopped = new TaskCompletionSource<long>();
        StreamRun[] actual = Runs();
        await Task.WhenAll(actual.Select(r => r.RunAsync(vai, () =>
        {
            if (Interlocked.Decrement(ref left) != 0)
                return;
            DaemonProcess.SignalAsync("STOP", engine.Id).Wait();
            stopped.SetResult(Stopwatch.GetTimestamp());
        })));
        for (int i = 0; i < expected.Length; i++)
            StreamRun.Same(expected[i], actual[i]);
        output.WriteLine(daemon.Log);
        Assert.Equal(1, (await vai.StatusAsync(default)).WorkerRestarts);
        Assert.Contains("hangs", daemon.Log);
        long since = await stopped.Task;
        output.WriteLine($"longest pauses {string.Join(' ', actual.Select(a => $"{a.PauseMs(since):F0}"))} ms, with a patience of 1 s");
    }

    [Fact]
    public async Task A_standby_that_hangs_is_replaced_and_one_that_is_to_take_over_is_not_waited_for()
    {
        await using DaemonProcess daemon = await ServeAsync("--patience", "1");
        await using RemoteVai vai = daemon.Connect();
        await daemon.StandsByAsync();
        using Process engine = await daemon.WorkerAsync();
        int standby = daemon.Engines().Single(e => e != engine.Id);
        await DaemonProcess.SignalAsync("STOP", standby);
        await daemon.LogsAsync("hangs");

        // Nobody has one: the next stops right before it is needed.
        engine.Kill();
        await daemon.LogsAsync("stands by", 2);
        using Process second = await daemon.WorkerAsync();
        var expected = new StreamRun("a", 3, 200);
        await expected.RunAsync(vai);
        standby = daemon.Engines().Single(e => e != second.Id);
        await DaemonProcess.SignalAsync("STOP", standby);
        var actual = new StreamRun("a", 3, 200);
        int seen = 0;
        await actual.RunAsync(vai, () =>
        {
            if (++seen == 20)
                second.Kill();
        });
        StreamRun.Same(expected, actual);
        Assert.Equal(2, (await vai.StatusAsync(default)).WorkerRestarts);
    }

    private static StreamRun[] Runs() => [.. Enumerable.Range(1, 8).Select(i => new StreamRun("a", (uint)i, 64))];

    private static Task<HttpStatusCode[]> BurstAsync(HttpClient http, int count) => Task.WhenAll(Enumerable.Range(0, count).Select(async i =>
    {
        (HttpStatusCode status, string body) = await LocalHttp.PostAsync(
            http, "vai/models/tokenize", $$"""{"model":"a","text":"request {{i}}","addSpecial":true,"parseSpecial":true}""");
        Assert.True(status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, body);
        return status;
    }));

    private static async Task AssertUnharmedAsync(RemoteVai vai)
    {
        WireStatus status = await vai.StatusAsync(default);
        Assert.Equal(0, status.WorkerRestarts);
        Assert.DoesNotContain(status.Models, m => m.Quarantined || !m.Loaded);
    }

    private Task<DaemonProcess> ServeAsync(params string[] more) => DaemonProcess.ServeAsync(
        models.NewPlace(),
        ["--model", $"a={models.Model("tiny", 1)}", "--profile", "exact", "--ctx", "512", "--sram", "8192", "--rom-dir", models.NewRomDirectory(), .. more]);
}
