using System.Diagnostics;
using System.Text.Json;

namespace VAI.Cli.Tests.Measuring;

/// <summary><c>vai bench pipeline</c>: what is in the document and what must add up; never a time.</summary>
[Collection(BenchCollection.Name)]
public sealed class BenchPipelineTests(Forged forged)
{
    private static readonly string[] Single = ["single_ratio", "single_tps", "bare_tps"];
    private static readonly string[] Batch = ["batch_sessions", "batch_tps", "one_tps", "batch_ratio"];
    private static readonly string[] Concurrent =
        ["sessions", "serial_tokens", "concurrent_tokens", "serial_tps", "concurrent_tps", "concurrent_ratio"];

    private static readonly string[] Switch =
        ["stay_first_ms", "switched_first_ms", "switch_first_ratio", "busy_first_ms", "busy_queue_ms", "busy_first_ratio"];

    private static readonly string[] Prefix =
        ["prefix_tokens", "prefix_shared_tokens", "prefix_reused_tokens", "prefix_cold_first_ms", "prefix_reused_first_ms", "prefix_ratio"];

    private static readonly string[] Fork = ["fork_tokens", "fork_us", "fork_first_ms", "fork_reused_tokens"];

    // "restore_ms" is a difference: noise may put it below zero.
    private static readonly string[] Park = ["park_tokens", "park_ms", "park_reused_tokens"];

    private static readonly string[] Numbers = [.. Single, .. Batch, .. Concurrent, .. Switch, .. Prefix, .. Fork, .. Park];

    [Theory]
    [InlineData("none", 104)]
    [InlineData("fast", 104)]
    [InlineData("exact", 96)]
    public async Task Every_part_is_measured(string profile, int reused)
    {
        VaiRun run = await RunAsync("--profile", profile, "--sessions", "2", "--rounds", "2", "--long-tokens", "128", "--long-rounds", "2");
        run.Has(["model_a", "model_b", "models", "share_a", "share_b", "restore_ms", .. Numbers]);
        Assert.Equal(("a", "b"), (run.Json.GetProperty("model_a").GetString(), run.Json.GetProperty("model_b").GetString()));
        Assert.All(Numbers, name => Assert.True(Number(run, name) > 0, $"{name} is {Number(run, name)}"));
        Assert.Equal((8, 2), (Number(run, "batch_sessions"), Number(run, "sessions")));
        Assert.Equal(1, Number(run, "share_a") + Number(run, "share_b"), 2);

        // Two models, two sessions of each, two rounds of six tokens.
        Assert.Equal((48, 48), (Number(run, "serial_tokens"), Number(run, "concurrent_tokens")));
        Assert.Equal((128, 104, reused), (Number(run, "prefix_tokens"), Number(run, "prefix_shared_tokens"), Number(run, "prefix_reused_tokens")));
        Assert.Equal((128, 127), (Number(run, "fork_tokens"), Number(run, "fork_reused_tokens")));
        Assert.Equal((128, 128), (Number(run, "park_tokens"), Number(run, "park_reused_tokens")));
        Assert.True(Number(run, "busy_queue_ms") < Number(run, "busy_first_ms"));
    }

    [Fact]
    public async Task Shares_and_latencies_belong_to_the_models()
    {
        // Long enough for several turns of each model.
        const int Rounds = 2, Tokens = 1024;
        VaiRun run = await RunAsync("--only", "concurrent", "--rounds", $"{Rounds}", "--tokens", $"{Tokens}", "--profile", "none");
        Assert.All(["share_a", "share_b"], share => Assert.InRange(Number(run, share), 0.01, 0.99));
        JsonElement[] models = [.. run.Json.GetProperty("models").EnumerateArray()];
        Assert.Equal(["a", "b"], models.Select(m => m.GetProperty("name").GetString()));
        Assert.All(models, m =>
        {
            VaiRun.Has(
                m, "name", "share", "steps", "step_ms", "step_tokens", "first_ms_p50", "first_ms_p99", "inter_token_ms_p50",
                "inter_token_ms_p99", "alone_first_ms_p50", "alone_first_ms_p99", "alone_inter_token_ms_p50", "alone_inter_token_ms_p99");
            foreach (string percentile in (string[])["first_ms", "alone_first_ms", "inter_token_ms", "alone_inter_token_ms"])
                Assert.True(m.GetProperty(percentile + "_p50").GetDouble() <= m.GetProperty(percentile + "_p99").GetDouble(), percentile);
            Assert.True(m.GetProperty("inter_token_ms_p50").GetDouble() > 0 && m.GetProperty("alone_inter_token_ms_p50").GetDouble() > 0);

            // At most what was asked for: in each round a prompt of 32 tokens and a step for each token after the first.
            Assert.InRange(m.GetProperty("step_tokens").GetInt64(), 1, Rounds * (32 + Tokens - 1));
            Assert.InRange(m.GetProperty("steps").GetInt32(), 1, Rounds * Tokens);
        });
    }

    [Fact]
    public async Task What_is_not_chosen_is_null()
    {
        VaiRun run = await RunAsync("--only", "batch,fork", "--rounds", "1", "--long-tokens", "64", "--long-rounds", "1", "--profile", "none");
        Assert.All(Numbers, n => Assert.Equal(Batch.Contains(n) || Fork.Contains(n), run.Json.GetProperty(n).ValueKind == JsonValueKind.Number));
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("models").ValueKind);
        run = await RunAsync("--skip", "single,concurrent,switch,prefix,fork,batch", "--long-tokens", "64", "--long-rounds", "1", "--profile", "none");
        Assert.All(Numbers, n => Assert.Equal(Park.Contains(n), run.Json.GetProperty(n).ValueKind == JsonValueKind.Number));
    }

    [Fact]
    public async Task Roms_are_named_and_people_get_lines()
    {
        const string Rom = "bench-pipeline.1";
        Assert.Equal(0, (await VaiProcess.RunAsync("burn", forged.A, "--name", Rom)).ExitCode);
        VaiRun run = await VaiProcess.RunAsync("bench", "pipeline", Rom, forged.A, "--rounds", "1", "--tokens", "4", "--only", "single,concurrent,switch");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.All(["one session / bare loop", $"{Rom}: ", "while a generates"], line => Assert.Contains(line, run.Out, StringComparison.Ordinal));
        Assert.DoesNotContain("park", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupt_ends_it()
    {
        Process vai = VaiProcess.Start(
            [], "bench", "pipeline", forged.A, forged.B, "--rounds", "100000", "--only", "switch", "--profile", "none", "--verbose");
        VaiRun run = await VaiProcess.InterruptAsync(vai);
        Assert.Equal((130, ""), (run.ExitCode, run.Out));
    }

    private async Task<VaiRun> RunAsync(params string[] more)
    {
        VaiRun run = await VaiProcess.RunAsync(["bench", "pipeline", forged.A, forged.B, "--json", "--threads", "1", .. more.Contains("--tokens") ? more : [.. more, "--tokens", "6"]]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    private static double Number(VaiRun run, string name) => run.Json.GetProperty(name).GetDouble();
}
