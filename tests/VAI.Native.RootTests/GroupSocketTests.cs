using VAI.Daemon.FaultTests;
using VAI.Native.Tests;
using VAI.TestPeer;

namespace VAI.Native.RootTests;

/// <summary>A daemon's socket in a directory of mode 0750: the group's members use the daemon and can do nothing to it, nobody else reaches it.</summary>
public sealed class GroupSocketTests : IDisposable
{
    private const int Member = 65534;
    private const int Stranger = 65533;
    private const string Question = """{"model":"a","prompt":"a gate","max_tokens":2}""";

    private readonly ForgedModels _models = new();
    private readonly string _place = $"/dev/shm/vai-group-socket-{Guid.NewGuid():n}";

    public GroupSocketTests()
    {
        Directory.CreateDirectory(_place);
        Assert.True(Libc.chown(_place, -1, Member) == 0 && Libc.chmod(_place, Convert.ToUInt32("0750", 8)) == 0, "These tests need root.");
    }

    public void Dispose()
    {
        Directory.Delete(_place, recursive: true);
        _models.Dispose();
    }

    [Fact]
    public async Task Members_use_the_daemon_and_nobody_else_does()
    {
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            _place, "--model", $"a={_models.Model("tiny", 1)}", "--ctx", "512", "--rom-dir", _models.NewRomDirectory());
        string own = await AskAsync([], daemon.SocketPath, "v1/completions", Question);
        Assert.StartsWith("200 ", own, StringComparison.Ordinal);
        Assert.StartsWith("200 ", await AskAsync(As(Member), daemon.SocketPath, "v1/completions", Question), StringComparison.Ordinal);
        Assert.Equal("AccessDenied", await AskAsync(As(Stranger), daemon.SocketPath, "v1/completions", Question));

        // Not the daemon's files, though the group may come this far.
        string secret = _models.NewPlace();
        string refused = await AskAsync(
            As(Member), daemon.SocketPath, "vai/models/load", $$"""{"model":{"name":"x","file":"{{secret}}/not.there"} }""");
        Assert.DoesNotContain("No such file", refused, StringComparison.OrdinalIgnoreCase);
        Assert.False(refused.StartsWith('2'), refused);
        foreach (string[] hostile in (string[][])
            [
                ["rm", "-f", daemon.SocketPath], ["ls", daemon.SocketPath + ".engine"], ["cat", daemon.SocketPath + ".lock"],
                ["touch", Path.Combine(_place, "new")], ["kill", "-9", $"{daemon.Id}"],
            ])
        {
            using var attempt = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("setpriv", [.. As(Member)[1..], .. hostile])
            {
                RedirectStandardError = true,
            })!;
            await attempt.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.True(attempt.ExitCode != 0, string.Join(' ', hostile));
        }

        Assert.StartsWith("200 ", await AskAsync([], daemon.SocketPath, "v1/completions", Question), StringComparison.Ordinal);
    }

    private static string[] As(int user) => ["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups"];

    private static async Task<string> AskAsync(string[] who, string socket, string target, string body)
    {
        using PeerProcess peer = PeerProcess.StartUnder(who, [], "socket-ask", socket, target, body);
        string said = await peer.ReadLineAsync();
        Assert.Equal(ExitCodes.Done, await peer.EndAsync());
        return said;
    }
}
