using System.Diagnostics;
using System.Text.Json;
using System.Xml.Linq;

namespace VAI.Cli.Tests;

/// <summary><c>vai bench report</c>: what is written and said; never a time.</summary>
[Collection(BenchCollection.Name)]
public sealed class BenchReportTests(Forged forged)
{
    private static readonly string[] Plots = ["first-token", "attach", "throughput", "memory"];

    [Fact]
    public async Task A_report_is_written_with_its_plots()
    {
        string place = forged.At("report");
        VaiRun run = await RunAsync(place, forged.A, forged.B);
        run.Has("machine", "models", "size", "sides", "select_ns", "free_and_load_ms", "attach", "pipeline", "memory", "seconds", "files");
        Assert.Equal(1 + (2 * Plots.Length), run.Json.GetProperty("files").GetArrayLength());
        Assert.All(run.Json.GetProperty("files").EnumerateArray(), f => Assert.True(File.Exists(f.GetString())));
        AssertPlots(place);

        JsonElement side = Assert.Single(run.Json.GetProperty("sides").EnumerateArray().ToArray());
        Assert.Equal("VAI", side.GetProperty("name").GetString());
        AssertSide(side);
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

        string report = await File.ReadAllTextAsync(Path.Combine(place, "report.md"));
        Assert.All(Plots, plot => Assert.Contains($"]({plot}.png)", report, StringComparison.Ordinal));
        Assert.All(["## The machine", "| processor |", "kernel", ".NET", "| VAI |", "all on one ROM"], text => Assert.Contains(text, report, StringComparison.Ordinal));
        Assert.DoesNotContain("DIFFERENT", report, StringComparison.Ordinal);
        Assert.DoesNotContain("peer", report, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_peer_is_measured_in_turn()
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
        string place = forged.At("report-peer"), url = $"http://127.0.0.1:{port}";
        VaiRun run = await RunAsync(place, forged.A, forged.B, "--peer", url);
        JsonElement[] sides = [.. run.Json.GetProperty("sides").EnumerateArray()];
        Assert.Equal(2, sides.Length);
        Assert.All(sides, AssertSide);

        // The daemon and at least one engine process of its own.
        Assert.True(run.Json.GetProperty("memory").GetProperty("peer").GetArrayLength() >= 2);
        Assert.Contains("| **the peer, both models** |", await File.ReadAllTextAsync(Path.Combine(place, "report.md")), StringComparison.Ordinal);
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

    private static void AssertSide(JsonElement side) => Assert.All(
        ["stay_ms", "switched_ms", "switch_ratio", "alone_tps", "together_tps", "together_ratio"],
        name =>
        {
            double[] values = [.. ((string[])["lower_quartile", "median", "upper_quartile"]).Select(p => side.GetProperty(name).GetProperty(p).GetDouble())];
            Assert.True(values[0] > 0, name);
            Assert.Equal(values.Order(), values);
        });

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
