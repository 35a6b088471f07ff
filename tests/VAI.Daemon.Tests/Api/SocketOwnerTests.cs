using System.Diagnostics;
using System.Net.Sockets;
using VAI.Remote;

namespace VAI.Daemon.Tests.Api;

/// <summary>At a socket that nobody has named a client speaks to its own user's daemon, or to root's.</summary>
public sealed class SocketOwnerTests
{
    // nobody's: what this user is not.
    private const int Other = 65_534;

    [Fact]
    public async Task A_daemon_of_another_user_is_told_nothing_unless_its_socket_was_named()
    {
        DirectoryInfo place = Directory.CreateTempSubdirectory("vai-owner-");
        string path = Path.Combine(place.FullName, "s");
        using Process? other = DaemonSocket.CurrentUser == 0 ? await ListenAsync(place, path) : null;
        using var own = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (other is null)
        {
            own.Bind(new UnixDomainSocketEndPoint(path));
            own.Listen();
        }

        try
        {
            uint user = other is null ? DaemonSocket.CurrentUser + 1 : DaemonSocket.CurrentUser;
            VaiEngineException e = await Assert.ThrowsAsync<VaiEngineException>(
                async () => await new SocketEndpoint(path, TimeSpan.Zero, user).ConnectAsync(default));
            Assert.Equal(VaiError.DaemonUnavailable, e.Code);
            Assert.Contains($"user {(other is null ? DaemonSocket.CurrentUser : Other)}", e.Message);
            Assert.Contains("--socket", e.Message);
            await (await new SocketEndpoint(path, TimeSpan.Zero).ConnectAsync(default)).DisposeAsync();
            uint listens = other is null ? DaemonSocket.CurrentUser : Other;
            await (await new SocketEndpoint(path, TimeSpan.Zero, listens).ConnectAsync(default)).DisposeAsync();
        }
        finally
        {
            other?.Kill();
            place.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_socket_that_was_given_is_named_and_one_that_was_found_is_not()
    {
        var options = new VaiOptions();
        options.UseDaemon("/some/where");
        Assert.True(options.DaemonSocketIsNamed);
        options.UseDaemon();
        Assert.Equal(DaemonSocket.IsNamed, options.DaemonSocketIsNamed);
        options.DaemonSocket = "/else/where";
        Assert.True(options.DaemonSocketIsNamed);
    }

    private static async Task<Process> ListenAsync(DirectoryInfo place, string path)
    {
        File.SetUnixFileMode(place.FullName, (UnixFileMode)0b_111_111_111);
        string[] line =
        [
            $"--reuid={Other}", "--clear-groups", "perl", "-MSocket", "-e",
            $"$|=1; socket(S,PF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un('{path}')) or die; listen(S,9); print \"ready\\n\"; sleep 600",
        ];
        var process = Process.Start(new ProcessStartInfo("setpriv", line) { RedirectStandardOutput = true })!;
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        return process;
    }
}
