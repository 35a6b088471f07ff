using System.Runtime.Versioning;

namespace VAI.Daemon.FaultTests;

/// <summary>What is wrong with the configuration is said at the start: the key, and what to do.</summary>
[Collection(WaitCollection.Name)]
public sealed class ConfigurationTests(ForgedModels models)
{
    [Theory]
    [InlineData("{\"ctx\": 0}", "ctx is 0")]
    [InlineData("{\"ctx\": \"many\"}", "ctx is \"many\"")]
    [InlineData("{\"modles\": {}}", "modles is no option")]
    [InlineData("{\"http\": \"0.0.0.0:0\"}", "apiKeyFile")]
    [InlineData("{\"model\": {\"a\": \"/nowhere/a.gguf\"}}", "model.a: /nowhere/a.gguf")]
    [InlineData("{\"ctx\": 1", "is not JSON")]
    public async Task Wrong_configuration_ends_the_start(string json, string said)
    {
        string file = models.NewPlace() + ".json";
        await File.WriteAllTextAsync(file, json);
        await using DaemonProcess daemon = DaemonProcess.Start(models.NewPlace(), "--config", file, "--rom-dir", models.NewRomDirectory());
        Assert.False(await daemon.IsReadyAsync());
        Assert.Equal(2, daemon.ExitCode);
        Assert.Contains(said, daemon.Log);
        Assert.DoesNotContain("   at ", daemon.Log);
        Assert.False(Path.Exists(daemon.SocketPath));
    }

    /// <summary>SIGHUP has the keys read again, and does not end the daemon; over TCP there are no sessions for who may only use models.</summary>
    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Keys_are_read_again_by_a_signal_and_say_who_did_what()
    {
        string keys = models.NewFile("keys");
        await File.WriteAllTextAsync(keys, "anna use first-key\n");
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--http", "127.0.0.1:0", "--api-key-file", keys, "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory());
        await daemon.SignalAsync("HUP");
        while (!daemon.Log.Contains("Read 1 API keys", StringComparison.Ordinal))
            await Task.Yield();
        await using Remote.RemoteVai vai = daemon.Connect();
        await vai.RefreshAsync(default);
        await vai.UnloadAsync(vai.Select("a").Handle);
        while (!daemon.Log.Contains("unloaded a", StringComparison.Ordinal))
            await Task.Yield();
        Assert.Matches($"uid:[0-9]+ pid:{Environment.ProcessId}: unloaded a", daemon.Log);
    }

    [Fact]
    public async Task A_file_says_all_that_the_command_line_does_not()
    {
        string file = models.NewPlace() + ".json";
        await File.WriteAllTextAsync(file, $$"""
            {
              // The command line has another one.
              "romDir": "/nowhere/at/all",
              "model": { "a": { "file": "{{models.Model("tiny", 1)}}", "ctx": 64 } },
              "http": "127.0.0.1:0",
              "ctx": 128,
            }
            """);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(models.NewPlace(), "--config", file, "--rom-dir", models.NewRomDirectory());
        await using Remote.RemoteVai vai = daemon.Connect();
        Assert.Equal(64, vai.Select("a").ContextLength);
        Assert.Contains("http://127.0.0.1:", daemon.Log);
    }
}
