using System.Text.Json;

namespace VAI.Cli.Tests;

[Collection(ForgedCollection.Name)]
public sealed class VerbTests(Forged forged)
{
    [Fact]
    public async Task Inspect_prints_one_document()
    {
        VaiRun run = await VaiProcess.RunAsync("inspect", forged.A, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has(
            "file", "title", "architecture", "layers", "embedding", "heads", "kv_heads", "vocabulary", "tokenizer", "context",
            "tensors", "bytes", "parameters", "weight_types");
        Assert.Equal(new FileInfo(forged.A).Length, run.Json.GetProperty("bytes").GetInt64());
        Assert.All(run.Json.GetProperty("weight_types").EnumerateArray(), t => VaiRun.Has(t, "name", "tensors", "bytes"));
    }

    [Fact]
    public async Task Inspect_prints_lines_for_people()
    {
        VaiRun run = await VaiProcess.RunAsync("inspect", forged.A);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("architecture", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("q4_0")]
    [InlineData("q8_0")]
    [InlineData("f16")]
    public async Task Forge_makes_what_inspect_reads(string type)
    {
        string file = forged.At($"{type}.gguf");
        VaiRun run = await VaiProcess.RunAsync("forge", "tiny", file, "--type", type, "--vocab", forged.A, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has("file", "shape", "type", "seed", "bytes", "parameters", "tensors", "vocabulary", "total_ms");
        Assert.Equal(type, run.Json.GetProperty("type").GetString());
        VaiRun inspected = await VaiProcess.RunAsync("inspect", file, "--json");
        Assert.Equal(run.Json.GetProperty("parameters").GetInt64(), inspected.Json.GetProperty("parameters").GetInt64());
    }

    [Fact]
    public async Task Forge_replaces_a_file_only_when_forced()
    {
        string file = forged.At("twice.gguf");
        Assert.Equal(0, (await VaiProcess.RunAsync("forge", "tiny", file)).ExitCode);
        (await VaiProcess.RunAsync("forge", "tiny", file)).IsBadInput();
        Assert.Equal(0, (await VaiProcess.RunAsync("forge", "tiny", file, "--force")).ExitCode);
    }

    [Fact]
    public async Task Forge_lists_its_shapes()
    {
        VaiRun run = await VaiProcess.RunAsync("forge", "--list", "--json");
        run.Has("shapes");
        Assert.Contains(run.Json.GetProperty("shapes").EnumerateArray(), s => s.GetProperty("name").GetString() == "tiny");
        VaiRun text = await VaiProcess.RunAsync("forge");
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("tiny", text.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_prints_one_document_and_repeats_itself()
    {
        string[] line =
        [
            "run", forged.A, "-p", "Write Verilog AND gate", "-n", "8", "--seed", "7", "--rom-dir", VaiProcess.NewRomDirectory(), "--json",
        ];
        VaiRun run = await VaiProcess.RunAsync(line);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has(
            "text", "reasoning", "tokens", "prompt_tokens", "first_ms", "total_ms", "tokens_per_second", "finish", "model", "load_ms", "seed",
            "switch_class");
        JsonElement json = run.Json;
        Assert.InRange(json.GetProperty("tokens").GetInt32(), 1, 8);
        Assert.Contains(json.GetProperty("finish").GetString(), new[] { "eos", "stop", "length", "context" });
        Assert.Equal("loaded", json.GetProperty("switch_class").GetString());
        Assert.Equal(7u, json.GetProperty("seed").GetUInt32());
        VaiRun again = await VaiProcess.RunAsync(line);
        Assert.Equal("attached", again.Json.GetProperty("switch_class").GetString());
        Assert.Equal(json.GetProperty("text").GetString(), again.Json.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Run_streams_the_text_alone_to_standard_output()
    {
        string[] line = ["run", forged.A, "-p", "Write Verilog AND gate", "-n", "8", "--temp", "0"];
        VaiRun text = await VaiProcess.RunAsync(line);
        VaiRun json = await VaiProcess.RunAsync([.. line, "--json"]);
        Assert.Equal(0, text.ExitCode);
        Assert.Equal(json.Json.GetProperty("text").GetString() + "\n", text.Out);
        Assert.Contains("tok/s", text.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_logs_to_standard_error_when_asked()
    {
        VaiRun run = await VaiProcess.RunAsync("run", forged.A, "-p", "x", "-n", "1", "--json", "--verbose");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(JsonValueKind.Object, run.Json.ValueKind);
        Assert.Contains("Debug:", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_switch_prints_one_document()
    {
        VaiRun run = await VaiProcess.RunAsync("bench", "switch", forged.A, forged.B, "--rounds", "2", "--tokens", "4", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has("models", "select_ns", "switch_overhead_ms", "switch_overhead_iqr_ms", "switch_ratio", "traditional_switch_ms");
        JsonElement[] models = [.. run.Json.GetProperty("models").EnumerateArray()];
        Assert.All(models, m => VaiRun.Has(m, "name", "load_ms", "stay_first_ms", "switched_first_ms", "tokens_per_second"));
        Assert.Equal(["a", "b"], models.Select(m => m.GetProperty("name").GetString()));
        Assert.InRange(run.Json.GetProperty("select_ns").GetDouble(), 0.001, 10_000);
        Assert.True(run.Json.GetProperty("switch_ratio").GetDouble() > 0);
    }

    [Fact]
    public async Task Bench_switch_tells_two_models_of_one_name_apart()
    {
        VaiRun run = await VaiProcess.RunAsync("bench", "switch", forged.A, forged.A, "--rounds", "1", "--tokens", "2", "--json");
        Assert.Equal(["a", "a-2"], run.Json.GetProperty("models").EnumerateArray().Select(m => m.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Doctor_finds_the_library()
    {
        VaiRun run = await VaiProcess.RunAsync("doctor", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        DoctorHasItsFields(run);
        Assert.True(run.Json.GetProperty("ready").GetBoolean());
        Assert.NotEqual(0, run.Json.GetProperty("devices").GetArrayLength());
        Assert.Contains("library", (await VaiProcess.RunAsync("doctor")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_reports_a_missing_library()
    {
        VaiRun run = await VaiProcess.RunAsync([("VAI_LLAMA_DIR", forged.At("nowhere"))], "doctor", "--json");
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        DoctorHasItsFields(run);
        JsonElement json = run.Json;
        Assert.Equal("native_library_not_found", json.GetProperty("error").GetProperty("code").GetString());
        Assert.Contains(json.GetProperty("probed").EnumerateArray(), p => p.GetProperty("outcome").GetString() == "no such directory");
        Assert.NotNull(json.GetProperty("fix").GetString());
    }

    private static void DoctorHasItsFields(VaiRun run) => run.Has(
        "ready", "error", "probed", "library_file", "library_version", "abi", "cpu_features", "cpu_kernels", "devices",
        "physical_cores", "total_memory", "available_memory", "shared_memory", "shared_memory_free", "fix",
        "memory_limit", "memory_limit_source", "huge_pages", "library_source", "library_cost");
}
