using System.Diagnostics;
using System.Text.Json;

namespace VAI.Cli.Tests;

/// <summary>Burns that are interrupted or killed, each in a directory of its own.</summary>
[Collection(ForgedCollection.Name)]
public sealed class RomInterruptTests(Forged forged)
{
    private readonly string _directory = VaiProcess.NewRomDirectory();

    [Fact]
    public async Task An_interrupted_burn_leaves_nothing()
    {
        using Held held = await StopInABurnAsync();
        Process burn = held.Process;
        Assert.Single(Directory.GetFiles(_directory, "*.burn"));
        VaiProcess.Signal(burn, "INT");
        VaiProcess.Signal(burn, "CONT");
        Task<string> output = burn.StandardOutput.ReadToEndAsync();
        string error = await burn.StandardError.ReadToEndAsync();
        await burn.WaitForExitAsync();
        Assert.Equal((130, "", "Cancelled.\n"), (burn.ExitCode, await output, error));
        Assert.Empty(Directory.GetFiles(_directory, "*.burn"));
        Assert.Empty(Directory.GetFiles(_directory, "*.rom"));
        Assert.Empty((await VaiAsync("status", "--json")).Json.GetProperty("roms").EnumerateArray());
    }

    [Fact]
    public async Task A_killed_burn_is_shown_so_and_removed_by_the_next_process()
    {
        using Held burn = await StopInABurnAsync();
        int pid = burn.Process.Id;
        Assert.Contains("Loaded: N  Burning: ", (await VaiAsync("status")).Out, StringComparison.Ordinal);
        burn.Kill();
        VaiRun status = await VaiAsync("status");
        Assert.Contains($"Owner PID : {pid} (gone)", status.Out, StringComparison.Ordinal);
        Assert.Contains($" % by {pid} (gone)", status.Out, StringComparison.Ordinal);
        Assert.Contains("0 resident, 1 burning", status.Out, StringComparison.Ordinal);

        (await VaiAsync("verify", "stopped")).IsBadInput();
        Assert.Empty(Directory.GetFiles(_directory, "*.burn"));
        Assert.Empty((await VaiAsync("status", "--json")).Json.GetProperty("roms").EnumerateArray());
    }

    private Task<VaiRun> VaiAsync(params string[] arguments) => VaiProcess.RunAsync([("VAI_ROM_DIR", _directory)], arguments);

    /// <summary>A burn that the registry knows of, and that does not go on until it gets a CONT.</summary>
    private async Task<Held> StopInABurnAsync()
    {
        string file = forged.At("interrupt.gguf");
        Assert.Equal(0, (await VaiProcess.RunAsync("forge", "small", file, "--force")).ExitCode);
        var held = new Held(VaiProcess.Start([("VAI_ROM_DIR", _directory)], "burn", file, "--name", "stopped"));
        Process burn = held.Process;
        while (!Directory.Exists(_directory) || Directory.GetFiles(_directory, "*.burn").Length == 0)
        {
            Assert.False(burn.HasExited);
            await Task.Delay(5);
        }

        // The file comes first, and the entry at once after it.
        VaiProcess.Signal(burn, "STOP");
        JsonElement[] roms;
        while ((roms = [.. (await VaiAsync("status", "--json")).Json.GetProperty("roms").EnumerateArray()]).Length == 0)
        {
            VaiProcess.Signal(burn, "CONT");
            await Task.Delay(5);
            VaiProcess.Signal(burn, "STOP");
        }

        JsonElement rom = Assert.Single(roms);
        Assert.Equal(("stopped", "burning"), (rom.GetProperty("name").GetString(), rom.GetProperty("state").GetString()));
        Assert.Equal((burn.Id, true), (rom.GetProperty("owner_pid").GetInt32(), rom.GetProperty("owner_alive").GetBoolean()));
        Assert.InRange(rom.GetProperty("burned").GetDouble(), 0, 0.999);
        return held;
    }
}
