using System.Diagnostics;
using System.Net;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.FaultTests;

/// <summary>SIGHUP: models that the configuration has more or less than before, and one that is wrong.</summary>
[Collection(WaitCollection.Name)]
public sealed class ReloadTests(ForgedModels models) : IDisposable
{
    private readonly string _file = models.NewFile("vai.json");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task A_model_that_is_added_answers_and_one_that_is_taken_out_goes_with_its_last_session()
    {
        Write("""{ "model": { "a": "A" } }""");
        await using DaemonProcess daemon = await ServeAsync();
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(http, "b"));
        await using RemoteVai vai = daemon.Connect();
        var expected = new StreamRun("a", 1, 1200);
        await expected.RunAsync(vai);
        Write("""{ "model": { "a": "A", "b": "B" } }""");
        await daemon.SignalAsync("HUP");
        await daemon.LogsAsync("Model b is loaded");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(http, "b"));

        // In the middle of a stream of a's, which goes on, also at the next engine.
        Write("""{ "model": { "b": "B" } }""");
        await daemon.StandsByAsync();
        using Process engine = await daemon.WorkerAsync();
        var actual = new StreamRun("a", 1, 1200);
        var refused = new TaskCompletionSource<HttpStatusCode>();
        string listed = "";
        Assert.Contains("\"id\":\"a\"", await http.GetStringAsync("v1/models"));
        int seen = 0;
        await actual.RunAsync(vai, () =>
        {
            if (++seen != 20)
                return;
            daemon.SignalAsync("HUP").Wait();
            daemon.LogsAsync("Model a is not in the configuration any more").Wait();
            listed = http.GetStringAsync("v1/models").Result;
            refused.SetResult(AskAsync(http, "a").Result);
            Assert.DoesNotContain("Model a is unloaded", daemon.Log);
            engine.Kill();
        });
        StreamRun.Same(expected, actual);
        Assert.Equal(HttpStatusCode.NotFound, await refused.Task);
        Assert.Contains("\"id\":\"b\"", listed);
        Assert.DoesNotContain("\"id\":\"a\"", listed);
        await daemon.LogsAsync("Model a is unloaded");
        WireStatus status = await vai.StatusAsync(default);
        Assert.Equal([("b", true)], status.Models.Select(m => (m.Name, m.Loaded)));
        Assert.Equal(1, status.WorkerRestarts);
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(http, "a"));

        // And back, once more.
        Write("""{ "model": { "a": "A", "b": "B" } }""");
        await daemon.SignalAsync("HUP");
        await daemon.LogsAsync("Model a is loaded", 2);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(http, "a"));
    }

    [Fact]
    public async Task A_configuration_that_is_wrong_changes_nothing_and_what_has_to_wait_is_named()
    {
        Write("""{ "model": { "a": "A" } }""");
        await using DaemonProcess daemon = await ServeAsync();
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        foreach ((string wrong, string why) in new[]
        {
            ("""{ "model": { "b": "B" """, "is not JSON"),
            ("""{ "model": { "b": "B" }, "modles": 1 }""", "modles is no option"),
            ("""{ "model": { "b": "B" }, "ctx": 0 }""", "ctx is 0"),
            ("""{ "model": { "b": "B" }, "modelsDir": "/nowhere" }""", "modelsDir is '/nowhere'"),
        })
        {
            Write(wrong);
            await daemon.SignalAsync("HUP");
            await daemon.LogsAsync(why);
            Assert.Contains(daemon.Log.Split('\n'), l => l.Contains("Not read again, and unchanged: the configuration.") && l.Contains(why));
            Assert.Equal(HttpStatusCode.OK, await AskAsync(http, "a"));
            Assert.Equal(HttpStatusCode.NotFound, await AskAsync(http, "b"));
        }

        // A model whose file is not there is wanted, and comes with it.
        string late = models.NewFile("late.gguf");
        Write($$"""{ "model": { "a": { "file": "A", "ctx": 64 }, "late": "{{late}}" }, "patience": 7 }""");
        await daemon.SignalAsync("HUP");
        await daemon.LogsAsync("only the next start takes it up: patience");
        await daemon.LogsAsync("than the configuration says now: model.a.");
        await daemon.LogsAsync("Model late is not loaded: ");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(http, "a"));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(http, "late"));
        File.Copy(models.Model("tiny", 2), late);
        await daemon.LogsAsync("Model late is loaded");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(http, "late"));
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient http, string model) =>
        (await LocalHttp.PostAsync(http, "v1/completions", $$"""{"model":"{{model}}","prompt":"x","max_tokens":1}""")).Status;

    private void Write(string json) => File.WriteAllText(
        _file, json.Replace("\"A\"", $"\"{models.Model("tiny", 1)}\"", StringComparison.Ordinal).Replace("\"B\"", $"\"{models.Model("tiny", 2)}\"", StringComparison.Ordinal));

    private Task<DaemonProcess> ServeAsync() =>
        DaemonProcess.ServeAsync(models.NewPlace(), "--config", _file, "--profile", "exact", "--rom-dir", models.NewRomDirectory());
}
