using VAI.Native.Interop;

namespace VAI.Remote;

/// <summary>Where a daemon listens if nobody says otherwise.</summary>
internal static class DaemonSocket
{
    /// <summary>
    /// <c>$VAI_SOCKET</c>, else <c>vai/vai.sock</c> in <c>$XDG_RUNTIME_DIR</c>, else <c>/run/vai/vai.sock</c> for root, else
    /// <c>/tmp/vai-UID/vai.sock</c>.
    /// </summary>
    public static string DefaultPath
    {
        get
        {
            if (Environment.GetEnvironmentVariable("VAI_SOCKET") is { Length: > 0 } given)
                return given;
            if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime)
                return Path.Combine(runtime, "vai", "vai.sock");
            uint user = LibcNative.geteuid();
            return user == 0 ? "/run/vai/vai.sock" : $"/tmp/vai-{user}/vai.sock";
        }
    }
}
