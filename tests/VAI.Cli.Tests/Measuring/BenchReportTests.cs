using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Xml.Linq;

namespace VAI.Cli.Tests.Measuring;

/// <summary><c>vai bench report</c>: what is written and said; never a time.</summary>
[Collection(BenchCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class BenchReportTests(Forged forged)
{
    private static readonly string[] Rows =
    [
        "| VAI over HTTP |", "## A process of its own", "## Beside busy threads", "| busy threads | VAI | 1 fixed | VAI / best fixed |",
        "## Two processes on one ROM", "## In a control group with a quota", "## Many models resident",
    ];

    private static readonly string[] Plots = ["first-token", "attach", "throughput", "memory"];

    [Fact]
    public async Task A_report_is_written_with_its_plots()
    {
        string place = forged.At("report");
        VaiRun run = await RunAsync(place, forged.A, forged.B);
        run.Has("machine", "models", "size", "sides", "select_ns", "free_and_load_ms", "attach", "pipeline", "memory", "programs", "cold_start", "busy", "back_ms", "two_processes",
            "quotas", "resident", "seconds", "files");
        Assert.Equal(1 + (2 * Plots.Length), run.Json.GetProperty("files").GetArrayLength());
        Assert.All(run.Json.GetProperty("files").EnumerateArray(), f => Assert.True(File.Exists(f.GetString())));
        AssertPlots(place);

        JsonElement[] sides = [.. run.Json.GetProperty("sides").EnumerateArray()];
        Assert.Equal(["VAI", "VAI over HTTP"], sides.Select(s => s.GetProperty("name").GetString()));
        Assert.All(sides, AssertSide);
        Assert.Equal(["a", "b"], run.Json.GetProperty("attach").EnumerateArray().Select(a => a.GetProperty("model").GetString()));
        Assert.All(run.Json.GetProperty("attach").EnumerateArray(), a => Assert.True(a.GetProperty("tokens_identical").GetBoolean()));
        JsonElement memory = run.Json.GetProperty("memory");
        Assert.Equal((2, 2, 0), (memory.GetProperty("attached").GetArrayLength(), memory.GetProperty("loaded").GetArrayLength(), memory.GetProperty("peer").GetArrayLength()));
        Assert.All(memory.GetProperty("attached").EnumerateArray(), p =>
        {
            long own = p.GetProperty("private_bytes").GetInt64(), shared = p.GetProperty("shared_bytes").GetInt64();
            Assert.True(own > 0 && shared > 0);
            Assert.InRange(p.GetProperty("proportional_bytes").GetInt64(), own, own + shared);
        });

        AssertRows(run.Json);
        string report = await File.ReadAllTextAsync(Path.Combine(place, "report.md"));
        Assert.All(Plots, plot => Assert.Contains($"]({plot}.png)", report, StringComparison.Ordinal));
        Assert.All(["## The machine", "| processor |", "kernel", ".NET", "| VAI |", "all on one ROM", .. Rows], text => Assert.Contains(text, report, StringComparison.Ordinal));
        Assert.DoesNotContain("DIFFERENT", report, StringComparison.Ordinal);
        Assert.DoesNotContain("peer", report, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A server, and any program that speaks as ours does.</summary>
    [Fact]
    public async Task Peers_are_measured_in_turn()
    {
        int port = Loopback.FreePort();
        using var peer = new Held(VaiProcess.Start(
            [], "serve", "--model", $"a={forged.A}", "--model", $"b={forged.B}", "--socket", forged.At("peer.sock"), "--threads", "1", "--http", $"127.0.0.1:{port}"));
        while (await peer.Process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Contains($"127.0.0.1:{port}", StringComparison.Ordinal))
                break;
        }

        _ = peer.Process.StandardError.ReadToEndAsync();

        // Says what VAI.Benchmarks.LLamaSharp would, which takes a package that no test needs.
        string program = forged.At("speaks.sh");
        await File.WriteAllTextAsync(program, """
            #!/bin/sh
            echo '{"load_ms": 12.5, "first_at": 1, "first_ms": 2.5, "tokens_per_second": 40.5, "private_bytes": 1048576}'
            while read line; do echo '{"tokens_per_second": 41.5}'; done
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string place = forged.At("report-peer"), url = $"http://127.0.0.1:{port}";
        VaiRun run = await RunAsync(place, forged.A, forged.B, "--peer", url, "--llamasharp", program);
        JsonElement[] sides = [.. run.Json.GetProperty("sides").EnumerateArray()];
        Assert.Equal(3, sides.Length);
        Assert.All(sides, AssertSide);
        Assert.All(run.Json.GetProperty("busy").EnumerateArray(), b =>
        {
            JsonProperty[] peers = [.. b.GetProperty("peer_tps").EnumerateObject()];
            Assert.Equal(2, peers.Length);
            Assert.All(peers, p => Assert.True(p.Value.GetDouble() > 0, p.Name));
            Assert.Equal(41.5, peers.Single(p => p.Name == "LLamaSharp").Value.GetDouble());
        });

        // The daemon and at least one engine process of its own.
        Assert.True(run.Json.GetProperty("memory").GetProperty("peer").GetArrayLength() >= 2);
        JsonElement[] programs = [.. run.Json.GetProperty("programs").EnumerateArray()];
        Assert.Equal(["VAI", "LLamaSharp"], programs.Select(p => p.GetProperty("name").GetString()));
        Assert.Equal((12.5, 40.5), (Median(programs[1], "load_ms"), Median(programs[1], "tokens_per_second")));
        string report = await File.ReadAllTextAsync(Path.Combine(place, "report.md"));
        Assert.All(["| **the peer, both models** |", "| peer | LLamaSharp |"], text => Assert.Contains(text, report, StringComparison.Ordinal));
        AssertPlots(place);

        string other = forged.At("other.gguf");
        File.Copy(forged.B, other, overwrite: true);
        run = await VaiProcess.RunAsync("bench", "report", forged.At("report-none"), forged.A, other, "--quick", "--peer", url);
        run.IsBadInput();
        Assert.Contains("'other'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_is_not_there_is_found_out_before_measuring()
    {
        string place = forged.At("report-unreachable");
        VaiRun run = await VaiProcess.RunAsync("bench", "report", place, forged.A, forged.B, "--peer", $"http://127.0.0.1:{Loopback.FreePort()}", "--json");
        Assert.Equal((1, "daemon_unavailable"), (run.ExitCode, run.Json.GetProperty("error").GetProperty("code").GetString()));
        Assert.Contains("--peer", run.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(place));
    }

    [Fact]
    public async Task A_program_that_does_not_speak_so_is_found_out_before_measuring()
    {
        (await VaiProcess.RunAsync("bench", "report", forged.At("report-missing"), forged.A, forged.B, "--llamasharp", forged.At("none"))).IsBadInput();
        VaiRun run = await VaiProcess.RunAsync("bench", "report", forged.At("report-mute"), forged.A, forged.B, "--rounds", "1000", "--llamasharp", "/bin/true");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("/bin/true", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not a url")]
    [InlineData("ftp://127.0.0.1")]
    public async Task A_peer_is_a_url(string peer) =>
        (await VaiProcess.RunAsync("bench", "report", forged.At("report-url"), forged.A, forged.B, "--peer", peer)).IsBadInput();

    [Fact]
    public async Task A_directory_that_cannot_be_written_is_refused()
    {
        VaiRun run = await VaiProcess.RunAsync("bench", "report", Path.Combine(forged.A, "report"), forged.A, forged.B);
        run.IsBadInput();
        Assert.Contains("cannot be written", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_come_in_twos_and_a_peer_needs_them()
    {
        (await VaiProcess.RunAsync("bench", "report", forged.At("report-usage"), forged.A)).IsBadInput();
        (await VaiProcess.RunAsync("bench", "report", forged.At("report-usage"), "--peer", "http://127.0.0.1:1")).IsBadInput();
        (await VaiProcess.RunAsync("bench", "report", forged.At("report-usage"), forged.A, forged.B, "--rounds", "0")).IsBadInput();
        (await VaiProcess.RunAsync("bench", "report", forged.At("report-usage"), forged.A, forged.B, "--processes", "65")).IsBadInput();
    }

    [Fact]
    public async Task An_interrupt_ends_it_without_a_report()
    {
        string place = forged.At("report-interrupted");
        using Process vai = VaiProcess.Start(
            [("VAI_ROM_DIR", VaiProcess.NewRomDirectory())], "bench", "report", place, forged.A, forged.B, "--rounds", "1000", "--verbose");
        Assert.NotNull(await vai.StandardError.ReadLineAsync());
        VaiProcess.Signal(vai, "INT");
        Task<string> output = vai.StandardOutput.ReadToEndAsync();
        await vai.StandardError.ReadToEndAsync();
        await vai.WaitForExitAsync();
        Assert.Equal((130, ""), (vai.ExitCode, await output));
        Assert.Empty(Directory.EnumerateFiles(place));
    }

    private static async Task<VaiRun> RunAsync(string place, params string[] more)
    {
        VaiRun run = await VaiProcess.RunAsync(["bench", "report", place, .. more, "--quick", "--processes", "2", "--threads", "1", "--json"]);
        Assert.True(run.ExitCode == 0, run.Out + run.Error);
        return run;
    }

    private static void AssertSide(JsonElement side) =>
        AssertFigures(side, "stay_ms", "switched_ms", "switch_ratio", "alone_tps", "together_tps", "together_ratio");

    private static void AssertFigures(JsonElement of, params string[] names) => Assert.All(
        names,
        name =>
        {
            double[] values = [.. ((string[])["lower_quartile", "median", "upper_quartile"]).Select(p => of.GetProperty(name).GetProperty(p).GetDouble())];
            Assert.True(values[0] > 0, name);
            Assert.Equal(values.Order(), values);
        });

    private static void AssertRows(JsonElement report)
    {
        JsonElement program = Assert.Single(report.GetProperty("programs").EnumerateArray().ToArray());
        Assert.Equal("VAI", program.GetProperty("name").GetString());
        AssertFigures(program, "load_ms", "start_ms", "first_ms", "tokens_per_second", "private_bytes");
        JsonElement cold = report.GetProperty("cold_start");
        AssertFigures(cold, "health_ms", "first_ms");
        Assert.True(Median(cold, "health_ms") < Median(cold, "first_ms"));
        JsonElement[] busy = [.. report.GetProperty("busy").EnumerateArray()];
        Assert.Equal([0, 1], busy.Select(b => b.GetProperty("beside").GetInt32()));
        Assert.All(busy, AssertWay);
        Assert.True(report.GetProperty("back_ms").GetDouble() >= 0);
        JsonElement two = report.GetProperty("two_processes");
        AssertFigures(two, "one_tps", "streams_tps", "lanes_tps", "total_tps", "four_tps", "total_ratio", "streams_ratio", "lanes_ratio", "least_share", "four_ratio", "four_least_share");
        Assert.InRange(Median(two, "least_share"), 0, 0.5);
        JsonElement quota = Assert.Single(report.GetProperty("quotas").EnumerateArray().ToArray());
        Assert.Equal(1, quota.GetProperty("cores").GetDouble());

        // Where no control group can be made the report says why.
        if (quota.GetProperty("skipped").GetString() is { } reason)
            Assert.StartsWith("no control group", reason, StringComparison.Ordinal);
        else
            AssertWay(quota);
        JsonElement[] resident = [.. report.GetProperty("resident").EnumerateArray()];
        Assert.Equal([1, 3], resident.Select(r => r.GetProperty("models").GetInt32()));
        Assert.All(resident, r => Assert.All(
            ["private_bytes", "select_ns", "status_ms"], name => Assert.True(r.GetProperty(name).GetDouble() > 0, name)));
        Assert.Equal(JsonValueKind.Null, resident[0].GetProperty("bytes_of_a_model").ValueKind);
        Assert.True(resident[1].GetProperty("private_bytes").GetInt64() > resident[0].GetProperty("private_bytes").GetInt64());
    }

    private static void AssertWay(JsonElement row)
    {
        Assert.True(row.GetProperty("tokens_per_second").GetDouble() > 0 && row.GetProperty("ratio").GetDouble() > 0);
        Assert.True(row.GetProperty("fixed_tps").GetProperty("1").GetDouble() > 0);
    }

    private static double Median(JsonElement of, string name) => of.GetProperty(name).GetProperty("median").GetDouble();

    private static void AssertPlots(string place)
    {
        byte[] png = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];
        Assert.All(Plots, plot =>
        {
            Assert.Equal(png, File.ReadAllBytes(Path.Combine(place, plot + ".png"))[..8]);
            XElement svg = XDocument.Load(Path.Combine(place, plot + ".svg")).Root!;
            Assert.Equal("svg", svg.Name.LocalName);
            Assert.Contains(svg.Descendants(), e => e.Name.LocalName == "text");
        });
    }
}
