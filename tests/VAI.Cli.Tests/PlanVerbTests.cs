using System.Text.Json;
using System.Text.RegularExpressions;

namespace VAI.Cli.Tests;

[Collection(ForgedCollection.Name)]
public sealed class PlanVerbTests(Forged forged)
{
    private static readonly string[] Fields =
    [
        "file", "profile", "burned", "packed", "rom_bytes", "kv_bytes", "scratch_bytes", "output_bytes", "devices", "context", "sram_tokens",
        "cells", "sessions", "step_rows", "rom_directory", "rom_free", "rom_fits", "needed_memory", "available_memory", "memory_fits", "measured", "private_bytes", "burn_bytes", "memory_limit", "memory_limit_source",
        "weight_bytes", "gpu_layers", "devices_fit", "rooms",
    ];

    [Fact]
    public async Task Plan_prints_one_document_and_makes_nothing()
    {
        string roms = VaiProcess.NewRomDirectory();
        VaiRun run = await VaiProcess.RunAsync(
            "plan", forged.A, "--ctx", "300", "--sram", "600", "--sessions", "2", "--kv-type", "q8_0", "--rom-dir", roms, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has(Fields);
        JsonElement json = run.Json;
        Assert.Equal((300, 600, 768, 2), (Number("context"), Number("sram_tokens"), Number("cells"), Number("sessions")));
        Assert.Equal(2 * 768 * 2 * 2 * 64 / 32 * 34, Number("kv_bytes"));
        Assert.Equal(roms, json.GetProperty("rom_directory").GetString());
        Assert.False(json.GetProperty("burned").GetBoolean());
        Assert.True(json.GetProperty("rom_fits").GetBoolean() && json.GetProperty("memory_fits").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("measured").ValueKind);
        JsonElement device = Assert.Single(json.GetProperty("devices").EnumerateArray());
        VaiRun.Has(device, "device", "host", "kv_bytes", "scratch_bytes", "weight_bytes", "staging_bytes");
        Assert.Equal(Number("kv_bytes"), device.GetProperty("kv_bytes").GetInt64());
        Assert.False(Directory.Exists(roms));

        long Number(string name) => json.GetProperty(name).GetInt64();
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("exact")]
    [InlineData("none")]
    public async Task What_is_measured_is_what_was_planned(string profile)
    {
        VaiRun run = await VaiProcess.RunAsync("plan", forged.A, "--profile", profile, "--measure", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        JsonElement json = run.Json, measured = json.GetProperty("measured");
        VaiRun.Has(measured, "rom_bytes", "kv_bytes", "scratch_bytes", "output_bytes", "devices");
        foreach (string name in (string[])["rom_bytes", "kv_bytes", "scratch_bytes"])
            Assert.Equal(measured.GetProperty(name).GetInt64(), json.GetProperty(name).GetInt64());
        Assert.Equal(profile != "none", json.GetProperty("rom_bytes").GetInt64() > 0);
    }

    [Fact]
    public async Task Plan_shows_a_table()
    {
        VaiRun run = await VaiProcess.RunAsync("plan", forged.B);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        foreach (string text in (string[])["planned", "ROM", "CPU KV", "2.0 MiB", "CPU scratch", "outputs", "2048 tokens of SRAM", "memory         fits"])
            Assert.Contains(text, run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("measured", run.Out, StringComparison.Ordinal);
        run = await VaiProcess.RunAsync("plan", forged.B, "--measure", "--profile", "none");
        Assert.Contains("measured", run.Out, StringComparison.Ordinal);
        Assert.Contains("none: the file is mapped", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--ctx", "0")]
    [InlineData("--ctx", "999999")]
    [InlineData("--sram", "1")]
    [InlineData("--sessions", "0")]
    [InlineData("--kv-type", "q9")]
    [InlineData("--kv-type", "1")]
    [InlineData("--profile", "quick")]
    public async Task Plan_refuses_what_does_not_suit(string option, string value) =>
        (await VaiProcess.RunAsync("plan", forged.A, option, value)).IsBadInput();

    [Fact]
    public async Task A_default_may_be_given_as_the_help_writes_it()
    {
        string help = (await VaiProcess.RunAsync("plan", "--help")).Out;
        string[] defaults = [.. Regex.Matches(help, @"^ +(--[a-z-]+) .*\[default: (\w+)\]", RegexOptions.Multiline).SelectMany(m => (string[])[m.Groups[1].Value, m.Groups[2].Value])];
        Assert.Contains("--profile", defaults);
        Assert.Contains("--kv-type", defaults);
        VaiRun run = await VaiProcess.RunAsync(["plan", forged.A, .. defaults]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Plan_refuses_what_is_no_model()
    {
        (await VaiProcess.RunAsync("plan", forged.At("missing.gguf"))).IsBadInput();
        (await VaiProcess.RunAsync("plan", forged.Empty())).IsBadInput();
        VaiRun run = await VaiProcess.RunAsync("plan", "no-such-rom", "--json");
        Assert.Equal((2, "file_not_found"), (run.ExitCode, run.Json.GetProperty("error").GetProperty("code").GetString()));
    }
}
