using System.Diagnostics;
using System.Reflection;
using VAI.TestPeer;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests.Machine;

/// <summary>Loads that go on side by side, as a takeover has them, with room for one of them: that one is there, the other is refused, and nobody is killed.</summary>
[Collection(FaultCollection.Name)]
public sealed class SideBySideTests(ForgedModels models, ITestOutputHelper output)
{
    private const int Megabytes = 700;

    // KV of 15 KiB a token: some 400 MiB, all of which is cleared.
    private const int Cells = 27_000;

    private static readonly string Peer = Path.Combine(
        typeof(SideBySideTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "PeerDirectory").Value!, "VAI.TestPeer.dll");

    [Fact]
    public async Task Of_two_that_fit_only_singly_one_is_loaded()
    {
        using var group = MemoryGroup.Make(Megabytes);
        if (group is null)
        {
            Assert.False(Environment.IsPrivilegedProcess);
            return;
        }

        string roms = models.NewRomDirectory();
        string[] files = [models.Model("small", 1), models.Model("small", 2)];

        // Burned by somebody else, so that what they take is SRAM alone.
        Assert.Equal((ExitCodes.Done, "0"), await LoadAsync([], roms, 64, files));
        for (int round = 0; round < 3; round++)
            Assert.Equal((ExitCodes.Done, "1 OutOfMemory"), await LoadAsync(group.Into, roms, Cells, files));
    }

    private async Task<(int ExitCode, string Said)> LoadAsync(string[] under, string roms, int cells, string[] files)
    {
        string[] line = [.. under, DaemonProcess.DotNet, Peer, "load-ready", roms, $"{cells}", .. files];
        using Process peer = Process.Start(new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = peer.StandardError.ReadToEndAsync();
        string said = await peer.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(3));
        await peer.WaitForExitAsync();
        output.WriteLine($"{peer.ExitCode}: {said} {await errors}");
        return (peer.ExitCode, said.Trim());
    }
}
