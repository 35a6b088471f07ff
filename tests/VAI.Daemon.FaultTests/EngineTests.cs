using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.FaultTests;

/// <summary>What ends the engine process again and again, and clients that end in the middle.</summary>
[Collection(FaultCollection.Name)]
public sealed class EngineTests(ForgedModels models)
{
    [Fact]
    public async Task Engines_that_end_under_different_requests_are_nobodys_fault()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        for (uint seed = 1; seed <= 4; seed++)
        {
            using Process worker = await daemon.WorkerAsync();
            int seen = 0;
            var run = new StreamRun("a", seed, 200);
            await run.RunAsync(vai, () =>
            {
                if (++seen == 1)
                    worker.Kill();
            });
            Assert.Equal(200, run.Tokens.Count);
        }

        WireStatus status = await vai.StatusAsync(default);
        Assert.Equal([("a", true, false)], status.Models.Select(m => (m.Name, m.Loaded, m.Quarantined)));
        Assert.Equal(4, status.WorkerRestarts);
    }

    [Fact]
    public async Task A_model_whose_load_ends_the_engine_three_times_is_quarantined_until_a_load_succeeds()
    {
        string poison = models.NewFile("poison");
        await File.WriteAllTextAsync(poison, "b");
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), new() { ["VAI_TEST_POISON_LOAD"] = poison }, ["--model", $"a={models.Model("tiny", 1)}", "--rom-dir", models.NewRomDirectory()]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        await using RemoteVai vai = daemon.Connect();
        var b = new ModelOptions { Name = "b", File = models.Model("tiny", 2) };
        VaiException refused = await Assert.ThrowsAsync<VaiEngineException>(async () => await vai.LoadAsync(b));
        Assert.Equal(VaiError.ModelQuarantined, refused.Code);
        await new StreamRun("a", 1, 32).RunAsync(vai);
        Assert.Equal(3, (await vai.StatusAsync(default)).WorkerRestarts);

        // Asked for again it is tried where it harms nobody, which forgives nothing by itself.
        refused = await Assert.ThrowsAsync<VaiEngineException>(async () => await vai.LoadAsync(b));
        Assert.Equal(VaiError.ModelQuarantined, refused.Code);
        Assert.Equal(3, (await vai.StatusAsync(default)).WorkerRestarts);
        File.Delete(poison);
        await vai.LoadAsync(b);
        await new StreamRun("b", 2, 32).RunAsync(vai);
        Assert.Equal(3, (await vai.StatusAsync(default)).WorkerRestarts);
    }

    [Fact]
    public async Task Idle_engine_is_replaced_and_what_was_loaded_is_there_again()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(models.NewPlace(), "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        await vai.LoadAsync(new ModelOptions { Name = "x", File = models.Model("tiny", 1) });
        await vai.LoadAsync(new ModelOptions { Name = "y", File = models.Model("tiny", 2) });
        await vai.UnloadAsync(vai.Select("x").Handle);
        using (Process worker = await daemon.WorkerAsync())
        {
            worker.Kill();
            await worker.WaitForExitAsync();
        }

        await using RemoteVai other = daemon.Connect();
        Assert.Equal(["y"], other.Models.Select(m => m.Name));
        await new StreamRun("y", 1, 8).RunAsync(other);
    }

    [Fact]
    public async Task One_that_was_only_just_started_takes_over_as_it_is()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--model", $"b={models.Model("tiny", 2)}", "--profile", "exact",
            "--ctx", "512", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = Runs();
        await Task.WhenAll(expected.Select(r => r.RunAsync(vai)));
        using Process engine = await daemon.WorkerAsync();

        // In whatever part of its start that finds it: it has had no time to be ready.
        int next = await AnotherAsync(daemon, engine.Id).WaitAsync(TimeSpan.FromMinutes(1));
        engine.Kill();
        StreamRun[] actual = Runs();
        await Task.WhenAll(actual.Select(r => r.RunAsync(vai)));
        for (int i = 0; i < expected.Length; i++)
            StreamRun.Same(expected[i], actual[i]);
        using Process serving = await daemon.WorkerAsync();
        Assert.True(next == serving.Id, daemon.Log);
        Assert.Equal(1, (await vai.StatusAsync(default)).WorkerRestarts);

        static StreamRun[] Runs() => [new("a", 1, 32), new("b", 2, 32)];

        static async Task<int> AnotherAsync(DaemonProcess daemon, int engine)
        {
            while (true)
            {
                foreach (int id in daemon.Engines())
                {
                    if (id != engine)
                        return id;
                }

                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_again_is_wanted_still_and_comes_back_with_its_file()
    {
        string file = models.NewFile("gguf");
        File.Copy(models.Model("tiny", 2), file);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--model", $"b={file}", "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        await new StreamRun("b", 1, 8).RunAsync(vai);

        // Its ROM is of another file now, and there is nothing that could be burned.
        File.Move(file, file + ".away");
        await File.WriteAllBytesAsync(file, new byte[4096]);
        foreach (int engine in daemon.Engines())
            Process.GetProcessById(engine).Kill();
        await daemon.LogsAsync("Model b could not be loaded again");
        await new StreamRun("a", 1, 8).RunAsync(vai);
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        const string Ask = """{"model":"b","prompt":"x","max_tokens":1}""";
        (HttpStatusCode status, string body) = await LocalHttp.PostAsync(http, "v1/completions", Ask);
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("could not be loaded again", body);

        File.Move(file + ".away", file, overwrite: true);
        while ((await LocalHttp.PostAsync(http, "v1/completions", Ask)).Status != HttpStatusCode.OK)
            await Task.Delay(20);
        await new StreamRun("b", 1, 8).RunAsync(vai);
    }

    [Fact]
    public async Task A_client_that_hangs_up_in_the_middle_frees_its_place()
    {
        // One place: who comes next gets it only when it is free.
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("tiny", 1)}", "--profile", "exact", "--sessions", "1",
            "--rom-dir", models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        var infer = new WireInfer(
            "Once", null, null, new InferenceOptions { MaxTokens = 1900, LogitBias = StreamRun.NoEnd }, null, new WireOpen("a", null, null, null, null));
        for (int i = 0; i < 8; i++)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(daemon.SocketPath));
            string body = JsonSerializer.Serialize(infer, WireJson.Default.WireInfer);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"POST /vai/sessions/raw{i}/infer HTTP/1.1\r\nHost: vai\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            string got = "";
            byte[] buffer = new byte[4096];
            while (!got.Contains("\"token\"", StringComparison.Ordinal))
            {
                int length = await socket.ReceiveAsync(buffer);
                Assert.True(length > 0, got);
                got += Encoding.UTF8.GetString(buffer, 0, length);
                Assert.StartsWith("HTTP/1.1 200", got);
            }
        }

        var run = new StreamRun("a", 1, 16);
        await run.RunAsync(vai);
        Assert.Equal(16, run.Tokens.Count);
        IReadOnlyList<WireSessionInfo> sessions = await vai.SessionsAsync(default);
        Assert.All(sessions, s => Assert.False(s.Running && s.Id.StartsWith("raw", StringComparison.Ordinal), s.Id));
    }
}
