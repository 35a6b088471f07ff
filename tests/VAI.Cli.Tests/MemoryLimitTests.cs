using System.Diagnostics;
using VAI.Native.Interop;
using Xunit.Abstractions;

namespace VAI.Cli.Tests;

/// <summary>
/// <c>vai</c> in a control group with a limit, where this process may make one (it is root's, in CI): what cannot fit is refused with
/// one line, where the kernel would kill it.
/// </summary>
[Collection(ForgedCollection.Name)]
public sealed class MemoryLimitTests(Forged forged, ITestOutputHelper output)
{
    [Theory]
    [InlineData("run")]
    [InlineData("burn")]
    public async Task What_cannot_fit_is_refused_with_one_line(string verb)
    {
        using var group = MemoryGroup.Make(96);
        if (group is null)
        {
            Assert.NotEqual(0u, LibcNative.geteuid());
            return;
        }

        string roms = VaiProcess.NewRomDirectory();
        VaiRun run = await RunAsync(group, verb == "run" ? ["run", await SmallAsync(), "-p", "x", "-n", "1", "--rom-dir", roms] : ["burn", await SmallAsync(), "--rom-dir", roms]);
        output.WriteLine(run.Error);
        Assert.Equal((1, ""), (run.ExitCode, run.Out));
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.Matches($"needs [0-9]+ MiB of memory, and [0-9]+ MiB are available: the control group {group.Path} allows 96 MiB, .*Raise its limit", run.Error);
        Assert.DoesNotContain(Directory.EnumerateFiles(roms), f => f.EndsWith(".burn", StringComparison.Ordinal) || f.EndsWith(".rom", StringComparison.Ordinal));

        // What is burned by others is not this group's: it fits, with little SRAM.
        VaiRun burned = await VaiProcess.RunAsync("burn", await SmallAsync(), "--rom-dir", roms);
        Assert.Equal(0, burned.ExitCode);
        VaiRun attached = await RunAsync(group, ["run", await SmallAsync(), "-p", "x", "-n", "1", "--ctx", "64", "--rom-dir", roms]);
        Assert.True(attached.ExitCode == 0, attached.Error);
    }

    [Fact]
    public async Task A_plan_and_the_doctor_say_which_limit_it_is()
    {
        using var group = MemoryGroup.Make(300);
        if (group is null)
        {
            Assert.NotEqual(0u, LibcNative.geteuid());
            return;
        }

        VaiRun plan = await RunAsync(group, ["plan", forged.A, "--json"]), doctor = await RunAsync(group, ["doctor", "--json"]);
        foreach (VaiRun run in new[] { plan, doctor })
        {
            Assert.Equal((300L << 20, group.Path), (run.Json.GetProperty("memory_limit").GetInt64(), run.Json.GetProperty("memory_limit_source").GetString()));
            Assert.InRange(run.Json.GetProperty("available_memory").GetInt64(), 1, 300L << 20);
        }

        Assert.Equal(300L << 20, doctor.Json.GetProperty("total_memory").GetInt64());
        Assert.True(plan.Json.GetProperty("memory_fits").GetBoolean());
        Assert.InRange(plan.Json.GetProperty("needed_memory").GetInt64(), plan.Json.GetProperty("private_bytes").GetInt64(), 300L << 20);
    }

    /// <summary>As of a unit with <c>ProcSubset=pid</c>, which sees processes and nothing of the machine.</summary>
    [Fact]
    public async Task Where_the_machine_is_not_to_be_seen_the_doctor_says_so()
    {
        string[] line =
        [
            LibcNative.geteuid() == 0 ? "-mpf" : "-Urmpf", "--kill-child", "sh", "-c", "mount -t proc -o subset=pid proc /proc && exec \"$0\" \"$@\"",
            Dotnet, Path.Combine(AppContext.BaseDirectory, "vai.dll"), "doctor",
        ];
        VaiRun run = await VaiProcess.EndAsync(Process.Start(new ProcessStartInfo("unshare", line) { RedirectStandardOutput = true, RedirectStandardError = true })!);
        Assert.Matches("memory +unknown", run.Out + run.Error);
    }

    private async Task<string> SmallAsync()
    {
        string file = forged.At("limited.gguf");
        if (!File.Exists(file))
            Assert.Equal(0, (await VaiProcess.RunAsync("forge", "small", file, "--type", "q4_0")).ExitCode);
        return file;
    }

    private static Task<VaiRun> RunAsync(MemoryGroup group, string[] arguments)
    {
        string[] line = [.. group.Into, Dotnet, Path.Combine(AppContext.BaseDirectory, "vai.dll"), .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["VAI_ROM_DIR"] = VaiProcess.RomDirectory;
        return VaiProcess.EndAsync(Process.Start(start)!);
    }

    private static string Dotnet =>
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
}
