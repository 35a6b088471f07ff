using System.Diagnostics;
using System.Globalization;

namespace VAI.Native.Tests.Machine;

/// <summary>Processes that take turns, one of which is stopped or killed while it has its turn, or while it waits: the others go on.</summary>
public sealed class TurnProcessTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-turns-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Whoever_is_stopped_or_killed_keeps_nobody()
    {
        string file = Path.Combine(_directory.FullName, "turns");
        using PeerProcess first = PeerProcess.Start("turns", file);
        using PeerProcess second = PeerProcess.Start("turns", file);
        await GoesOnAsync(first);
        await GoesOnAsync(second);
        for (int i = 0; i < 3; i++)
        {
            await SignalAsync("STOP", second);
            await GoesOnAsync(first);
            await SignalAsync("CONT", second);
            await GoesOnAsync(second);
            await GoesOnAsync(first);
        }

        for (int i = 0; i < 5; i++)
        {
            using PeerProcess third = PeerProcess.Start("turns", file);
            await GoesOnAsync(third);
            await third.KillAsync();
            await GoesOnAsync(first);
            await GoesOnAsync(second);
        }

        await SignalAsync("STOP", first);
        await second.KillAsync();
        using PeerProcess last = PeerProcess.Start("turns", file);
        await GoesOnAsync(last);
        await first.KillAsync();
        await GoesOnAsync(last);
    }

    // Its lines say when they were written: one after now.
    private static async Task GoesOnAsync(PeerProcess process)
    {
        long now = Stopwatch.GetTimestamp();
        while (long.Parse(await process.ReadLineAsync().WaitAsync(Limit), CultureInfo.InvariantCulture) < now)
        {
        }
    }

    private static async Task SignalAsync(string signal, PeerProcess to)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{to.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
