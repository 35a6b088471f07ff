using System.Diagnostics;
using System.Globalization;
using VAI.Native.Interop;
using VAI.Native.Machine;

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

    /// <summary>
    /// They do not see each other's ids, as in two containers on one volume, and have the same one. Root may make a pid namespace, and so may most users
    /// in a user namespace; where neither is allowed this fails and says so.
    /// </summary>
    [Fact]
    public async Task Two_pid_namespaces_take_turns_and_neither_keeps_the_other()
    {
        string file = Path.Combine(_directory.FullName, "turns");
        string[] under = ["unshare", LibcNative.geteuid() == 0 ? "-pf" : "-Urpf", "--kill-child"];
        using PeerProcess first = PeerProcess.StartUnder(under, [], "turns", file);
        await GoesOnAsync(first);
        using PeerProcess second = PeerProcess.StartUnder(under, [], "turns", file);
        await GoesOnAsync(second);
        await GoesOnAsync(first);
        using TurnPage page = Assert.IsType<TurnPage>(TurnPage.Open(file));

        // Each has a place, and a namespace in which it is the first process.
        Assert.Equal(2, page.Own);
        Assert.True(page.Lives(0) && page.Lives(1));
        int inner = Child(first);
        Assert.Equal(["1", "1"], new[] { inner, Child(second) }.Select(p => Status(p, "NSpid:").Split('\t')[^1]));
        await SignalAsync("STOP", inner);
        await GoesOnAsync(second);
        Assert.True(page.Lives(0));
        await SignalAsync("CONT", inner);
        await GoesOnAsync(first);

        await second.KillAsync();
        await GoesOnAsync(first);
        Assert.False(page.Lives(1));
        using PeerProcess third = PeerProcess.StartUnder(under, [], "turns", file);
        await GoesOnAsync(third);
        Assert.True(page.Lives(1));
        await GoesOnAsync(first);
    }

    private static int Child(PeerProcess of) => int.Parse(File.ReadAllText($"/proc/{of.Id}/task/{of.Id}/children"), CultureInfo.InvariantCulture);

    private static string Status(int process, string line) => File.ReadLines($"/proc/{process}/status").Single(l => l.StartsWith(line, StringComparison.Ordinal));

    // Its lines say when they were written: one after now.
    private static async Task GoesOnAsync(PeerProcess process)
    {
        long now = Stopwatch.GetTimestamp();
        while (long.Parse(await process.ReadLineAsync().WaitAsync(Limit), CultureInfo.InvariantCulture) < now)
        {
        }
    }

    private static Task SignalAsync(string signal, PeerProcess to) => SignalAsync(signal, to.Id);

    private static async Task SignalAsync(string signal, int to)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{to}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
