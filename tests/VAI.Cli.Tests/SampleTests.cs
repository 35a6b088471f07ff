using System.Diagnostics;
using System.Reflection;

namespace VAI.Cli.Tests;

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

    private static Task<VaiRun> RunAsync(string sample, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Samples, sample, Build, sample), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["VAI_ROM_DIR"] = VaiProcess.RomDirectory;
        return VaiProcess.EndAsync(Process.Start(start)!);
    }
}
