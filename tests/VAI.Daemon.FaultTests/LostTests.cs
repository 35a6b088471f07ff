using VAI.Remote;

namespace VAI.Daemon.FaultTests;

/// <summary>Requests that an engine loses while it is well otherwise.</summary>
[Collection(WaitCollection.Name)]
public sealed class LostTests(ForgedModels models)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task What_an_engine_has_lost_is_asked_again_and_one_that_loses_more_and_more_is_replaced()
    {
        string loses = models.NewFile("loses");
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), new() { ["VAI_TEST_LOSE"] = loses },
            ["--model", $"a={models.Model("tiny", 1)}", "--profile", "exact", "--ctx", "512", "--sram", "4096", "--rom-dir", models.NewRomDirectory()]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = Runs();
        await Task.WhenAll(expected.Select(r => r.RunAsync(vai))).WaitAsync(Limit);

        // Once: beside others, which notice nothing of it.
        await SameAsync(1, () => LoseAsync(loses));
        Assert.Equal(0, (await vai.StatusAsync(default)).WorkerRestarts);

        // And twice in a row: with that it is three.
        await SameAsync(3, async () =>
        {
            await LoseAsync(loses);
            _ = AgainAsync();
        });
        Assert.Equal(1, (await vai.StatusAsync(default)).WorkerRestarts);
        Assert.Contains("hangs: it has lost 3 requests", daemon.Log);

        async Task SameAsync(int losses, Func<Task> lose)
        {
            await lose();
            StreamRun[] actual = Runs();
            await Task.WhenAll(actual.Select(r => r.RunAsync(vai))).WaitAsync(Limit);
            for (int i = 0; i < expected.Length; i++)
                StreamRun.Same(expected[i], actual[i]);
            await daemon.LogsAsync("has lost request", losses);
        }

        async Task AgainAsync()
        {
            while (File.Exists(loses))
                await Task.Delay(5);
            await LoseAsync(loses);
        }
    }

    private static StreamRun[] Runs() => [.. Enumerable.Range(1, 4).Select(i => new StreamRun("a", (uint)i, 64))];

    // Whole or not at all, as the engine may look at any time.
    private static async Task LoseAsync(string file)
    {
        await File.WriteAllTextAsync(file + ".new", "\"seed\":2");
        File.Move(file + ".new", file);
    }
}
