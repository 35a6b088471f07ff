using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.Versioning;
using System.Text;
using VAI.Diagnostics;
using VAI.Remote;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests;

/// <summary>Clients that go away in the middle of an answer, and one that asks for more than its share.</summary>
/// <remarks><c>VAI_TEST_CLIENTS</c>, <c>VAI_TEST_REQUESTS</c>, <c>VAI_TEST_SEED</c> and <c>VAI_TEST_SHAPE</c> change how many, when and of what.</remarks>
[Collection(FaultCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class ClientStormTests(ForgedModels models, ITestOutputHelper output)
{
    private const int AtOnce = 256;
    private const int Wave = 8;

    private static TimeSpan AskEvery { get; } = TimeSpan.FromMilliseconds(5);

    private static int Seed { get; } = Number("VAI_TEST_SEED", Environment.TickCount & 0xFFFF);

    private static string Shape { get; } = Environment.GetEnvironmentVariable("VAI_TEST_SHAPE") is { Length: > 0 } shape ? shape : "tiny";

    [Fact]
    public async Task Clients_killed_in_the_middle_free_their_places_and_change_nobody_elses_tokens()
    {
        int clients = Number("VAI_TEST_CLIENTS", 40);
        output.WriteLine($"VAI_TEST_SEED={Seed} VAI_TEST_CLIENTS={clients} VAI_TEST_SHAPE={Shape}");
        var random = new Random(Seed);
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model(Shape, 1)}", "--profile", "exact", "--ctx", "512", "--sram", "8192", "--rom-dir",
            models.NewRomDirectory());
        await using RemoteVai vai = daemon.Connect();
        var expected = new StreamRun("a", 1, 200);
        await expected.RunAsync(vai);
        await daemon.StandsByAsync();

        using var over = new CancellationTokenSource();
        var steady = Task.Run(async () =>
        {
            int runs = 0;
            while (!over.IsCancellationRequested)
            {
                var run = new StreamRun("a", 1, 200);
                await run.RunAsync(vai);
                StreamRun.Same(expected, run);
                runs++;
            }

            return runs;
        });
        List<double> freed = [], afterDeath = [];
        using StreamKills kills = await StreamKills.StartAsync(daemon.SocketPath, "/v1/completions", Json("client @@@@@@", 400, stream: true));
        await FreeAsync();
        for (int i = 0; i < clients; i += Wave)
        {
            (long killed, long dead) = await kills.KillAsync(Enumerable.Range(0, Math.Min(Wave, clients - i)).Select(_ => random.Next(1, 20)));
            while (!await FreeAsync())
            {
                // Who asks without a pause takes the cores from the step that is to end.
                Assert.True(Stopwatch.GetElapsedTime(killed) < TimeSpan.FromMinutes(1), "A place was not freed.");
                await Task.Delay(AskEvery);
            }

            long free = Stopwatch.GetTimestamp();
            freed.Add(Stopwatch.GetElapsedTime(killed, free).TotalMilliseconds);
            afterDeath.Add(Math.Max(0, Stopwatch.GetElapsedTime(dead, free).TotalMilliseconds));
        }

        await over.CancelAsync();
        int undisturbed = await steady;
        Assert.Equal(0, (await vai.StatusAsync(default)).WorkerRestarts);
        freed.Sort();
        afterDeath.Sort();
        output.WriteLine(
            $"{clients} clients killed, {Wave} at once; from their kills until all places were free {Spread(freed)}; from when the kernel had ended "
            + $"them all {Spread(afterDeath)}; {undisturbed} runs of the steady stream, all alike");

        // Of the daemon, but for the steady stream and this question; and of the engine, where each client has a session until that has closed it.
        async Task<bool> FreeAsync() =>
            await vai.StatusAsync(default) is { ActiveRequests: <= 2 } status && status.Models.Single().OpenSessions <= 1;
    }

    [Fact]
    public async Task A_flood_is_refused_and_the_others_are_served()
    {
        int requests = Number("VAI_TEST_REQUESTS", 400);
        output.WriteLine($"VAI_TEST_REQUESTS={requests} VAI_TEST_SHAPE={Shape}");
        string keys = Path.Combine(Directory.CreateTempSubdirectory("vai-keys-").FullName, "keys");
        await File.WriteAllTextAsync(keys, "flood\nquiet\n");
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        int port = Loopback.FreePort();
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model(Shape, 1)}", "--http", $"127.0.0.1:{port}", "--api-key-file", keys, "--ctx", "512",
            "--sram", "4096", "--rom-dir", models.NewRomDirectory());
        using HttpClient quiet = Http(port, "quiet", 8), flood = Http(port, "flood", AtOnce);

        // Until all of it has run often enough to be compiled for good, which takes the cores from the engine.
        await daemon.StandsByAsync();
        await Task.WhenAll(FloodAsync(flood, AtOnce * 2), TimedAsync(quiet, 200));
        List<double> alone = await TimedAsync(quiet, 200);

        long before = Memory.ResidentBytes(daemon.Id);
        Task<(int Served, int Refused)> flooding = FloodAsync(flood, requests);
        List<double> beside = await TimedAsync(quiet, 20, flooding);
        long memory = Memory.ResidentBytes(daemon.Id);
        (int served, int refused) = await flooding;
        File.Delete(keys);

        Assert.Equal(requests, served + refused);
        Assert.True(refused > 0 || requests < AtOnce, "Nothing was refused.");
        output.WriteLine(
            $"alone {Percentiles(alone)}; beside the flood {Percentiles(beside)}; served {served}, refused {refused}; "
            + $"the supervisor's memory {before >> 20} MiB before, {memory >> 20} MiB at the end of the flood");
    }

    /// <summary>As many requests as that, from as many as can be made at once, each followed by the next without a pause.</summary>
    private static async Task<(int Served, int Refused)> FloodAsync(HttpClient http, int requests)
    {
        int served = 0, refused = 0, sent = 0;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref sent) <= requests)
            {
                using HttpResponseMessage response = await http.PostAsync("v1/completions", Body("flood", 16));
                if (response.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    Assert.True(response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
                    Interlocked.Increment(ref refused);
                }
                else
                {
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    Interlocked.Increment(ref served);
                }
            }
        })));
        return (served, refused);
    }

    /// <summary>Asks so often, and on until the task has ended. Sorted.</summary>
    private static async Task<List<double>> TimedAsync(HttpClient http, int count, Task? until = null)
    {
        var times = new List<double>();
        for (int i = 0; i < count || until is { IsCompleted: false }; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using HttpResponseMessage response = await http.PostAsync("v1/completions", Body($"quiet {i}", 16));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        return times;
    }

    private static string Percentiles(List<double> sorted) =>
        $"p50 {sorted[sorted.Count / 2]:F1} ms, p99 {sorted[sorted.Count * 99 / 100]:F1} ms of {sorted.Count}";

    private static string Spread(List<double> sorted) => $"{Percentiles(sorted)}, max {sorted[^1]:F1} ms";

    private static StringContent Body(string prompt, int tokens) => new(Json(prompt, tokens, stream: false), Encoding.UTF8, "application/json");

    private static string Json(string prompt, int tokens, bool stream) =>
        $$"""{"model":"a","prompt":"{{prompt}}","max_tokens":{{tokens}},"seed":1,"stream":{{(stream ? "true" : "false")}},"logit_bias":{"2":-100} }""";

    private static HttpClient Http(int port, string key, int connections)
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}/"),
            Timeout = TimeSpan.FromMinutes(5),
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : otherwise;
}
