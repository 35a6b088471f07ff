using System.Diagnostics;
using System.Net;
using VAI.Remote;

namespace VAI.Daemon.FaultTests.Machine;

/// <summary>A ROM directory whose file system is full: what is there serves on, whoever dies.</summary>
/// <remarks>
/// It is one of the daemon's own, mounted in a mount namespace of its own. Root may make one, and so may most users in a user namespace; where
/// neither is allowed this fails and says so.
/// </remarks>
[Collection(FaultCollection.Name)]
public sealed class FullTests(ForgedModels models)
{
    private const int Streams = 3;

    [Fact]
    public async Task Engines_take_over_without_room_for_a_single_page_and_make_copies_again_when_there_is()
    {
        string roms = models.NewPlace();
        Directory.CreateDirectory(roms);
        string[] under =
        [
            "unshare", Environment.IsPrivilegedProcess ? "-m" : "-Urm", "sh", "-c", $"mount -t tmpfs -o size=96m,mode=0700 vai-test {roms} && exec \"$0\" \"$@\"",
        ];
        await using DaemonProcess daemon = DaemonProcess.Start(
            models.NewPlace(), [],
            ["--model", $"a={models.Model("tiny", 1)}", "--model", $"b={models.Model("tiny", 2)}", "--profile", "exact", "--ctx", "512", "--sram", "2048", "--rom-dir", roms],
            under);
        Assert.True(await daemon.IsReadyAsync(), $"This needs unshare(1) and leave to mount: {daemon.Log}");
        await using RemoteVai vai = daemon.Connect();
        StreamRun[] expected = Runs();
        await Task.WhenAll(expected.Select(r => r.RunAsync(vai)));

        // Seen from outside of its namespace.
        string filler = $"/proc/{daemon.Id}/root{roms}/filler";
        Fill(filler);
        for (int kill = 1; kill <= 3; kill++)
        {
            await KillAsync();
            Assert.Equal(kill, (await vai.StatusAsync(default)).WorkerRestarts);
        }

        // What needs room is refused with the reason, and ends nothing.
        VaiException refused = await Assert.ThrowsAnyAsync<VaiException>(
            async () => await vai.LoadAsync(new ModelOptions { Name = "c", File = models.Model("tiny", 3) }));
        Assert.Equal(VaiError.RomNoSpace, refused.Code);
        Assert.Equal(3, (await vai.StatusAsync(default)).WorkerRestarts);

        File.Delete(filler);
        int reused = 0;
        for (int kill = 0; kill < 3; kill++)
            reused += (await KillAsync()).Sum(r => r.Result!.ReusedTokens);
        Assert.NotEqual(0, reused);
        using HttpClient http = LocalHttp.Client(daemon.SocketPath);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("health")).StatusCode);
        await vai.LoadAsync(new ModelOptions { Name = "c", File = models.Model("tiny", 3) });

        async Task<StreamRun[]> KillAsync()
        {
            using Process engine = await daemon.WorkerAsync();
            int left = Streams * 2 * 40;
            StreamRun[] actual = Runs();
            await Task.WhenAll(actual.Select(r => r.RunAsync(vai, () =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                    engine.Kill();
            }))).WaitAsync(TimeSpan.FromMinutes(2));
            for (int i = 0; i < expected.Length; i++)
                StreamRun.Same(expected[i], actual[i]);
            return actual;
        }
    }

    private static StreamRun[] Runs() =>
        [.. from model in (string[])["a", "b"] from i in Enumerable.Range(1, Streams) select new StreamRun(model, (uint)i, 96)];

    // To the last byte: what is written in large pieces leaves the rest of one.
    private static void Fill(string path)
    {
        using FileStream file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 });
        for (byte[] piece = new byte[1 << 20]; piece.Length > 0; piece = new byte[piece.Length / 16])
        {
            try
            {
                while (true)
                    file.Write(piece);
            }
            catch (IOException)
            {
                // Smaller ones may fit.
            }
        }

        Assert.True(file.Length > 1 << 20);
    }
}
