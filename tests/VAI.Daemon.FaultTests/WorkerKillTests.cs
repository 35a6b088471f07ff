using System.Diagnostics;
using System.Globalization;
using VAI.Remote;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests;

/// <summary>
/// SIGKILL of the engine process while two models serve four streams each: every stream goes on, with the tokens of an undisturbed run.
/// </summary>
/// <remarks><c>VAI_TEST_KILLS</c>, <c>VAI_TEST_SEED</c>, <c>VAI_TEST_SHAPE</c> and <c>VAI_TEST_TOKENS</c> change how often, when and of what.</remarks>
[Collection(FaultCollection.Name)]
public sealed class WorkerKillTests(ForgedModels models, ITestOutputHelper output)
{
    private const int Streams = 4;

    private static int Kills { get; } = Number("VAI_TEST_KILLS", 5);

    private static int Seed { get; } = Number("VAI_TEST_SEED", Environment.TickCount & 0xFFFF);

    private static int Tokens { get; } = Number("VAI_TEST_TOKENS", 64);

    private static string Shape { get; } = Environment.GetEnvironmentVariable("VAI_TEST_SHAPE") is { Length: > 0 } shape ? shape : "tiny";

    [Fact]
    public async Task Streams_go_on_where_they_were()
    {
        output.WriteLine($"VAI_TEST_SEED={Seed} VAI_TEST_KILLS={Kills} VAI_TEST_SHAPE={Shape} VAI_TEST_TOKENS={Tokens}");
        var random = new Random(Seed);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model(Shape, 1)}", "--model", $"b={models.Model(Shape, 2)}", "--profile", "exact",
            "--ctx", "512", "--sram", "2048", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = NewRuns();
        await Task.WhenAll(expected.Select(s => s.RunAsync(vai)));

        var gaps = new List<double>();
        var pauses = new List<double>();
        int reused = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            // Of all their tokens, the last ones left out: one model alone would be to blame.
            int left = random.Next(1, Streams * 2 * Tokens * 9 / 10);
            using Process worker = await daemon.WorkerAsync();
            StreamRun[] actual = NewRuns();
            long killed = await StreamRun.RunAsync(actual, vai, worker, left);
            for (int i = 0; i < expected.Length; i++)
                StreamRun.Same(expected[i], actual[i]);
            reused += actual.Sum(a => a.Result!.ReusedTokens);
            double[] now = [.. actual.Select(a => a.GapMs(killed)).OfType<double>()];
            gaps.AddRange(now);
            pauses.AddRange(actual.Select(a => a.PauseMs(killed)).OfType<double>());
            output.WriteLine(
                $"kill {kill + 1}: gaps {string.Join(' ', now.Select(g => $"{g:F0}"))} ms, not computed again: "
                + string.Join(' ', actual.Select(a => $"{a.Result!.ReusedTokens}/{a.TokensBefore(killed)}")));
        }

        Assert.Equal(Kills, (await vai.StatusAsync(default)).WorkerRestarts);
        Assert.NotEqual(0, reused);
        gaps.Sort();
        pauses.Sort();
        output.WriteLine($"gaps of {gaps.Count} streams: median {gaps[gaps.Count / 2]:F0} ms, p95 {gaps[gaps.Count * 95 / 100]:F0} ms, max {gaps[^1]:F0} ms");
        output.WriteLine($"longest pause of a stream from then to its end: median {pauses[pauses.Count / 2]:F0} ms, max {pauses[^1]:F0} ms");
        output.WriteLine(daemon.Log);
    }

    private static StreamRun[] NewRuns() =>
        [.. from model in (string[])["a", "b"] from i in Enumerable.Range(1, Streams) select new StreamRun(model, (uint)i, Tokens)];

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : otherwise;
}
