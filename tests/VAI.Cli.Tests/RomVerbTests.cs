using System.Diagnostics;
using System.Text.Json;

namespace VAI.Cli.Tests;

/// <summary>The verbs of the ROM directory, each test with a directory of its own.</summary>
[Collection(ForgedCollection.Name)]
public sealed class RomVerbTests(Forged forged)
{
    private readonly string _directory = VaiProcess.NewRomDirectory();

    [Fact]
    public async Task Burned_once_run_by_name_verified_and_evicted()
    {
        string file = await ForgeAsync("round.gguf", "11");
        VaiRun burned = await VaiAsync("burn", file, "--name", "first", "--json");
        Assert.Equal((0, ""), (burned.ExitCode, burned.Error));
        burned.Has("name", "id", "digest", "profile", "packed", "note", "bytes", "burned", "burn_ms", "directory");
        Assert.True(burned.Json.GetProperty("burned").GetBoolean());
        Assert.Equal(_directory, burned.Json.GetProperty("directory").GetString());
        VaiRun again = await VaiAsync("burn", file, "--name", "second", "--json");
        Assert.False(again.Json.GetProperty("burned").GetBoolean());
        Assert.Equal(burned.Json.GetProperty("id").GetString(), again.Json.GetProperty("id").GetString());
        VaiRun direct = await VaiAsync("run", file, "-p", "hello", "-n", "6", "--temp", "0", "--profile", "none", "--json");
        File.Delete(file);

        VaiRun run = await VaiAsync("run", "first", "-p", "hello", "-n", "6", "--temp", "0", "--json");
        Assert.Equal("attached", run.Json.GetProperty("switch_class").GetString());
        Assert.Equal("loaded", direct.Json.GetProperty("switch_class").GetString());
        Assert.Equal(direct.Json.GetProperty("text").GetString(), run.Json.GetProperty("text").GetString());

        VaiRun verified = await VaiAsync("verify", "first", "--json");
        verified.Has("name", "id", "digest", "bytes", "ok");
        Assert.Equal(burned.Json.GetProperty("digest").GetString(), verified.Json.GetProperty("digest").GetString());

        VaiRun kept = await VaiAsync("evict", "first", "--json");
        kept.Has("name", "freed_bytes", "kept_for");
        Assert.Equal("second", kept.Json.GetProperty("kept_for").GetString());
        VaiRun gone = await VaiAsync("evict", "second", "--json");
        Assert.True(gone.Json.GetProperty("freed_bytes").GetInt64() > 0);
        Assert.Empty(Directory.GetFiles(_directory, "*.rom"));
        (await VaiAsync("run", "first", "-p", "hello")).IsBadInput();
    }

    [Fact]
    public async Task Status_reads_shared_memory_alone()
    {
        VaiRun none = await VaiAsync("status", "--json");
        Assert.Equal(0, none.Json.GetProperty("roms").GetArrayLength());
        Assert.False(Directory.Exists(_directory));
        await VaiAsync("burn", forged.A, "--name", "a");

        // No native library could be loaded from here.
        VaiRun status = await VaiProcess.RunAsync(
            [("VAI_ROM_DIR", _directory), ("VAI_LLAMA_DIR", forged.At("nowhere"))], "status", "--json");
        Assert.Equal((0, ""), (status.ExitCode, status.Error));
        status.Has("directory", "owner_pid", "owner_alive", "rom_bytes", "total_bytes", "free_bytes", "roms");
        JsonElement rom = Assert.Single(status.Json.GetProperty("roms").EnumerateArray());
        VaiRun.Has(
            rom, "name", "id", "digest", "state", "profile", "packed", "note", "bytes", "burned", "architecture", "vocabulary", "layers",
            "embedding", "context", "burn_ms", "burned_at", "load_ms", "gpu", "attached", "sessions", "tokens_served", "owner_pid", "owner_alive",
            "other_names", "holders", "huge_pages", "on_devices");
        Assert.Equal("ready", rom.GetProperty("state").GetString());
        string[] table = (await VaiAsync("status")).Out.TrimEnd('\n').Split('\n');
        Assert.StartsWith("+- VAI ROM STATUS -", table[0], StringComparison.Ordinal);
        Assert.Single(table.Select(l => l.Length).Distinct());
        Assert.Contains(table, l => l.Contains("1. a", StringComparison.Ordinal) && l.Contains("Loaded: Y", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_attached_rom_is_counted_and_not_evicted()
    {
        await VaiAsync("burn", forged.A, "--name", "busy");
        using Held run = await HoldAsync("busy");
        JsonElement rom = Assert.Single((await VaiAsync("status", "--json")).Json.GetProperty("roms").EnumerateArray());
        Assert.Equal((1, 1), (rom.GetProperty("attached").GetInt32(), rom.GetProperty("sessions").GetInt32()));
        Assert.Equal(1, rom.GetProperty("holders").GetArrayLength());
        VaiRun refused = await VaiAsync("evict", "busy");
        refused.IsBadInput();
        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);

        run.Kill();
        JsonElement after = Assert.Single((await VaiAsync("status", "--json")).Json.GetProperty("roms").EnumerateArray());
        Assert.Equal((0, 0), (after.GetProperty("attached").GetInt32(), after.GetProperty("sessions").GetInt32()));
        Assert.Equal(0, (await VaiAsync("evict", "busy", "--force")).ExitCode);
    }

    /// <summary>As a process has it that a GPU's driver serves, which here no machine need have: its devices are set by hand.</summary>
    [Fact]
    public async Task A_device_is_said_with_its_process_until_that_is_killed()
    {
        await VaiAsync("burn", forged.A, "--name", "busy");
        using Held run = await HoldAsync("busy");
        JsonElement before = await RomAsync();
        Assert.Equal((false, 0), (before.GetProperty("gpu").GetBoolean(), before.GetProperty("on_devices").GetArrayLength()));

        // The layout of the leases, written out once more on purpose: CUDA0 and CUDA2, Vulkan1.
        using (FileStream leases = File.Open(Path.Combine(_directory, "leases"), FileMode.Open))
        {
            byte[] record = new byte[64];
            leases.Position = 64;
            leases.ReadExactly(record);
            Assert.Equal((run.Process.Id, 0), (BitConverter.ToInt32(record, 56), BitConverter.ToInt32(record, 60)));
            leases.Position = 64 + 60;
            leases.Write([0b_0000_0101, 0b_0000_0010, 0, 0]);
        }

        JsonElement rom = await RomAsync();
        Assert.True(rom.GetProperty("gpu").GetBoolean());
        JsonElement holder = Assert.Single(rom.GetProperty("on_devices").EnumerateArray());
        Assert.Equal(run.Process.Id, holder.GetProperty("pid").GetInt32());
        Assert.Equal(["CUDA0", "CUDA2", "Vulkan1"], holder.GetProperty("devices").EnumerateArray().Select(d => d.GetString()));
        int pid = run.Process.Id;
        string table = (await VaiAsync("status")).Out;
        Assert.Contains($"GPU: Y (CUDA0: {pid}; CUDA2: {pid}; Vulkan1: {pid})  Attach: ", table, StringComparison.Ordinal);
        Assert.Single(table.TrimEnd('\n').Split('\n').Select(l => l.Length).Distinct());

        run.Kill();
        JsonElement after = await RomAsync();
        Assert.Equal((false, 0), (after.GetProperty("gpu").GetBoolean(), after.GetProperty("on_devices").GetArrayLength()));
        Assert.Contains("GPU: N  Attach: ", (await VaiAsync("status")).Out, StringComparison.Ordinal);

        async Task<JsonElement> RomAsync() => Assert.Single((await VaiAsync("status", "--json")).Json.GetProperty("roms").EnumerateArray());
    }

    [Fact]
    public async Task A_forced_eviction_waits_and_says_for_how_many()
    {
        await VaiAsync("burn", forged.A, "--name", "busy");
        using Held run = await HoldAsync("busy");
        using Process evict = VaiProcess.Start([("VAI_ROM_DIR", _directory)], "evict", "busy", "--force");
        Assert.Contains("Waiting for 1 ", await evict.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Contains("Evicting by ", (await VaiAsync("status")).Out, StringComparison.Ordinal);
        (await VaiAsync("run", "busy", "-p", "x")).IsBadInput();
        Assert.False(evict.HasExited);
        run.Kill();
        await evict.WaitForExitAsync();
        Assert.Equal(0, evict.ExitCode);
        Assert.Empty(Directory.GetFiles(_directory, "*.rom"));
    }

    [Fact]
    public async Task An_interrupted_eviction_leaves_the_rom()
    {
        await VaiAsync("burn", forged.A, "--name", "busy");
        using Held run = await HoldAsync("busy");
        using Process evict = VaiProcess.Start([("VAI_ROM_DIR", _directory)], "evict", "busy", "--force");
        await evict.StandardError.ReadLineAsync();
        VaiProcess.Signal(evict, "INT");
        await evict.WaitForExitAsync();
        Assert.Equal(130, evict.ExitCode);
        Assert.Contains("Loaded: Y", (await VaiAsync("status")).Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watch_shows_each_change_until_it_is_interrupted(bool json)
    {
        using Process watch = VaiProcess.Start([("VAI_ROM_DIR", _directory)], json ? ["status", "--watch", "--json"] : ["status", "--watch"]);
        string last = json ? "}" : "+--";
        await ReadUntilAsync(watch, last);
        await VaiAsync("burn", forged.A, "--name", "seen");
        await ReadUntilAsync(watch, json ? "\"name\": \"seen\"" : "1. seen");
        VaiProcess.Signal(watch, "INT");
        await watch.StandardOutput.ReadToEndAsync();
        Assert.Equal("", await watch.StandardError.ReadToEndAsync());
        await watch.WaitForExitAsync();
        Assert.Equal(0, watch.ExitCode);
    }

    [Fact]
    public async Task Verify_finds_a_flipped_bit()
    {
        await VaiAsync("burn", forged.A, "--name", "bit");
        string image = Assert.Single(Directory.GetFiles(_directory, "*.rom"));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(image, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using (FileStream file = new(image, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = file.Length / 2;
            int value = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(value ^ 1));
        }

        VaiRun run = await VaiAsync("verify", "bit", "--json");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("rom_damaged", run.Json.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Bad_input_is_said_so()
    {
        (await VaiAsync("verify", "nobody")).IsBadInput();
        (await VaiAsync("evict", "nobody")).IsBadInput();
        (await VaiAsync("burn", forged.At("missing.gguf"))).IsBadInput();
        (await VaiAsync("burn", forged.A, "--profile", "quick")).IsBadInput();
        (await VaiAsync("burn", forged.A, "--name", "")).IsBadInput();
        (await VaiAsync("run", forged.A, "-p", "x", "--profile", "quick")).IsBadInput();
        (await VaiAsync("evict", "nobody", "--rom-dir", "")).IsBadInput();
        (await VaiProcess.RunAsync("burn", forged.A, "--rom-dir", forged.Directory + "/..")).IsBadInput();
        (await VaiProcess.RunAsync("status", "--rom-dir", "/tmp")).IsBadInput();
    }

    [Theory]
    [InlineData("exact", 2)]
    [InlineData("none", 0)]
    public async Task Bench_switch_takes_the_directory_and_the_profile(string profile, int roms)
    {
        string directory = VaiProcess.NewRomDirectory();
        VaiRun run = await VaiProcess.RunAsync(
            "bench", "switch", forged.A, forged.B, "--rounds", "1", "--tokens", "1", "--profile", profile, "--rom-dir", directory, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(roms, Directory.Exists(directory) ? Directory.GetFiles(directory, "*.rom").Length : 0);
    }

    [Fact]
    public async Task Bench_attach_reports_its_fields()
    {
        string file = await ForgeAsync("bench.gguf", "12");
        VaiRun run = await VaiAsync("bench", "attach", file, "--loads", "1", "--rounds", "2", "--prompt", "8", "--decode", "2", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has(
            "load_ms", "attach_ms", "ratio", "prefill_ratio", "decode_ratio", "private_bytes", "load_private_bytes", "rom_bytes",
            "file_bytes", "packed", "tokens_identical", "sram_ms", "sram_tokens", "prefill_tps", "decode_tps");
        Assert.True(run.Json.GetProperty("tokens_identical").GetBoolean());
        Assert.True(run.Json.GetProperty("packed").GetBoolean());
    }

    /// <summary>A run that holds its ROM and a session, and does not go on.</summary>
    private async Task<Held> HoldAsync(string name)
    {
        var run = new Held(VaiProcess.Start([("VAI_ROM_DIR", _directory)], "run", name, "-p", "hello", "-n", "100000", "--temp", "0"));

        // Its first output says that it is attached, with a whole context still to fill.
        Assert.Equal(1, await run.Process.StandardOutput.ReadAsync(new char[1]));
        VaiProcess.Signal(run.Process, "STOP");
        return run;
    }

    private static async Task ReadUntilAsync(Process process, string text)
    {
        string? line;
        do
        {
            line = await process.StandardOutput.ReadLineAsync();
            Assert.NotNull(line);
        }
        while (!line.Contains(text, StringComparison.Ordinal));
    }

    private Task<VaiRun> VaiAsync(params string[] arguments) => VaiProcess.RunAsync([("VAI_ROM_DIR", _directory)], arguments);

    private async Task<string> ForgeAsync(string name, string seed)
    {
        string file = forged.At(name);
        Assert.Equal(0, (await VaiProcess.RunAsync("forge", "tiny", file, "--type", "q4_0", "--seed", seed, "--force")).ExitCode);
        return file;
    }
}
