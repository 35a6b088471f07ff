using System.Net.Sockets;
using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Remote;

/// <summary>Where a daemon listens if nobody says otherwise, and whose it may be.</summary>
internal static class DaemonSocket
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>
    /// <c>$VAI_SOCKET</c>, else <c>vai/vai.sock</c> in <c>$XDG_RUNTIME_DIR</c>, else <c>/run/vai/vai.sock</c> for root, else
    /// <c>/tmp/vai-UID/vai.sock</c>.
    /// </summary>
    public static string DefaultPath
    {
        get
        {
            if (Named is { } given)
                return given;
            if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime)
                return Path.Combine(runtime, "vai", "vai.sock");
            uint user = LibcNative.geteuid();
            return user == 0 ? "/run/vai/vai.sock" : $"/tmp/vai-{user}/vai.sock";
        }
    }

    /// <summary>The user of this process.</summary>
    public static uint CurrentUser => LibcNative.geteuid();

    /// <summary>Whether the default was named by the user: then anybody may listen there.</summary>
    public static bool IsNamed => Named is not null;

    private static string? Named => Environment.GetEnvironmentVariable("VAI_SOCKET") is { Length: > 0 } given ? given : null;

    /// <summary>Refuses a daemon of another user's, at a place where anybody could have put one.</summary>
    /// <param name="socket">Connected.</param>
    /// <param name="path">Where to.</param>
    /// <param name="user">Whose it may be, besides root's.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.DaemonUnavailable"/>.</exception>
    public static void CheckOwner(Socket socket, string path, uint user)
    {
        // struct ucred: pid, uid and gid of who listens.
        Span<int> ucred = stackalloc int[3];
        string who = socket.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(ucred)) == 12 ? $"user {(uint)ucred[1]}" : "somebody unknown";
        if (who == $"user {user}" || who == "user 0")
            return;
        throw new VaiEngineException(
            VaiError.DaemonUnavailable,
            $"At '{path}' listens {who}, who is neither this user ({user}) nor root. Nothing was sent. If that daemon is to be used, name its socket: "
            + "--socket PATH, VAI_SOCKET, or UseDaemon(path).");
    }
}
