using System.Net;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.FaultTests;

/// <summary>A request that ends whatever engine it comes to.</summary>
[Collection(WaitCollection.Name)]
public sealed class PoisonTests(ForgedModels models)
{
    [Fact]
    public async Task One_that_ends_its_engines_is_refused_by_its_id_and_all_others_go_on()
    {
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), new() { ["VAI_TEST_POISON"] = "hemlock" },
            [
                "--model", $"a={models.Model("tiny", 1)}", "--model", $"b={models.Model("tiny", 2)}", "--profile", "exact", "--ctx", "512",
                "--sram", "4096", "--rom-dir", models.NewRomDirectory(),
            ]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = Runs();
        await Task.WhenAll(expected.Select(r => r.RunAsync(vai)));
        await daemon.StandsByAsync();

        StreamRun[] actual = Runs();
        var first = new TaskCompletionSource();
        Task streams = Task.WhenAll(actual.Select(r => r.RunAsync(vai, () => first.TrySetResult())));
        await first.Task;
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        (HttpStatusCode status, string body) = await LocalHttp.PostAsync(
            http, "v1/completions", """{"model":"a","prompt":"a cup of hemlock","max_tokens":4}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains("request_quarantined", body);
        Assert.Matches("Request r[0-9]+ ended", body);
        await streams;
        for (int i = 0; i < expected.Length; i++)
            StreamRun.Same(expected[i], actual[i]);
        WireStatus said = await vai.StatusAsync(default);
        Assert.Equal([("a", true, false), ("b", true, false)], said.Models.Select(m => (m.Name, m.Loaded, m.Quarantined)));
        Assert.Equal(2, said.WorkerRestarts);

        // The model serves who asks for something else.
        (status, body) = await LocalHttp.PostAsync(http, "v1/completions", """{"model":"a","prompt":"a cup of tea","max_tokens":4}""");
        Assert.True(status == HttpStatusCode.OK, body);
    }

    private static StreamRun[] Runs() =>
        [.. from model in (string[])["a", "b"] from i in Enumerable.Range(1, 2) select new StreamRun(model, (uint)i, 400)];
}
