using System.Diagnostics;
using System.Reflection;

namespace VAI.Cli.Tests.Documents;

/// <summary>The samples, as they were built, on a tiny model.</summary>
[Collection(ForgedCollection.Name)]
public sealed class SampleTests(Forged forged)
{
    private static readonly string Samples =
        typeof(SampleTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Samples").Value!;

    private static readonly string Build =
        typeof(SampleTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "SamplesBuild").Value!;

    [Fact]
    public async Task Hello_answers()
    {
        VaiRun run = await RunAsync("HelloVai", forged.A);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(@"\n\d+ tokens, the first after [\d.]+ ms, ", run.Out);
    }

    [Fact]
    public async Task Four_processes_share_a_rom()
    {
        VaiRun run = await RunAsync("SharedAcrossProcesses", forged.B);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(4, run.Out.Split('\n').Count(l => l.Contains(" holds the model after ", StringComparison.Ordinal)));
        Assert.Equal(4, run.Out.Split('\n').Count(l => System.Text.RegularExpressions.Regex.IsMatch(l, @"^process \d+ +[\d.]+ MiB +[\d.]+ MiB$")));
        Assert.Matches(@"\nall together +[\d.]+ MiB private and [1-9][\d.]* MiB that they share", run.Out);
    }

    [Fact]
    public async Task A_model_calls_functions_and_another_model()
    {
        VaiRun run = await RunAsync("Tools");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(
            """
            weather(city: Paris)
            ask_deep(question: Why does it rain?)
              -> rain in Paris, 12 degrees
              -> Warm air rises, cools, and cannot hold its water.
            Yes: it rains in Paris, since warm air rises there and cools.

            """,
            run.Out);

        // A model that does not know tools answers all the same.
        run = await RunAsync("Tools", forged.A, forged.B);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Fact]
    public async Task A_text_becomes_a_value()
    {
        VaiRun run = await RunAsync("Extract");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("Marie Curie, urgency High, due 2026-12-01\n  3 x AND gate\n  1 x adder, at most 12.5\n", run.Out);
    }

    private Task<VaiRun> RunAsync(string sample, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Samples, sample, Build, sample), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["VAI_ROM_DIR"] = VaiProcess.RomDirectory;
        start.Environment["VAI_CACHE"] = forged.Directory;
        return VaiProcess.EndAsync(Process.Start(start)!);
    }
}
