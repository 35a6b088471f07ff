using System.Text.Json;

namespace VAI.Cli.Tests.Measuring;

/// <summary><c>vai bench daemon</c>: what is in the document; never a time.</summary>
[Collection(DaemonCollection.Name)]
public sealed class BenchDaemonTests(DaemonFixture daemon)
{
    [Fact]
    public async Task First_tokens_and_connections_are_measured()
    {
        string file = Path.Combine(Path.GetDirectoryName(daemon.A)!, "bench-daemon.gguf");
        File.Copy(daemon.A, file);
        string[] verb = ["bench", "daemon", file, "--socket", daemon.Socket, "--rounds", "2", "--streams", "3", "--connections", "10", "--threads", "1"];
        VaiRun run = await VaiProcess.RunAsync([.. verb, "--json"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has("local_first_ms", "socket_first_ms", "overhead_ms", "overhead_iqr_ms", "connection_bytes");
        Assert.All(["local_first_ms", "socket_first_ms"], name => Assert.True(run.Json.GetProperty(name).GetDouble() > 0, name));

        // A difference: noise may put it below zero.
        Assert.Equal(JsonValueKind.Number, run.Json.GetProperty("overhead_ms").ValueKind);
        Assert.Equal("bench-daemon", daemon.Engine.Select("bench-daemon").Name);
        await daemon.Engine.UnloadAsync(daemon.Engine.Select("bench-daemon").Handle);
    }

    [Theory]
    [InlineData("--rounds")]
    [InlineData("--prompt-tokens")]
    [InlineData("--streams")]
    [InlineData("--connections")]
    public async Task What_is_out_of_range_is_refused(string option)
    {
        VaiRun run = await VaiProcess.RunAsync("bench", "daemon", daemon.A, "--socket", daemon.Socket, option, "0");
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.NotEmpty(run.Error);
    }
}
