using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Daemon.Hosting.Sockets;

/// <summary>A directory that only this user can look into, made if it is missing: who can open a socket in it may use the daemon.</summary>
internal static class PrivateDirectory
{
    private const uint Mode = 0b_111_000_000;
    private const uint GroupMode = 0b_111_101_000;

    /// <param name="path">Where.</param>
    /// <param name="key">The option that it comes from, for messages.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is not private, or cannot be made.</exception>
    public static void Ensure(string path, string key = "socket") => _ = Ensure(path, key, orGroup: false);

    /// <summary>As <see cref="Ensure(string, string)"/>, but one of mode 750 will do: its group may use the daemon too.</summary>
    /// <returns>That group; null for a private directory.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: others can look into it, or it cannot be made.</exception>
    public static uint? EnsureForGroup(string path) => Ensure(path, "socket", orGroup: true);

    private static uint? Ensure(string path, string key, bool orGroup)
    {
        if (LibcNative.mkdir(path, Mode) != 0 && Marshal.GetLastPInvokeError() != LibcNative.EEXIST)
            throw Refused(key, path, $"cannot be made ({Marshal.GetLastPInvokeErrorMessage()})");
        int descriptor = LibcNative.open(path, LibcNative.O_RDONLY | LibcNative.O_DIRECTORY | LibcNative.O_NOFOLLOW | LibcNative.O_CLOEXEC);
        if (descriptor < 0)
            throw Refused(key, path, $"cannot be opened ({Marshal.GetLastPInvokeErrorMessage()})");
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (!LibcNative.Status(handle, out statx_result status))
            throw Refused(key, path, $"cannot be examined ({Marshal.GetLastPInvokeErrorMessage()})");
        if (status.stx_uid != LibcNative.geteuid())
            throw Refused(key, path, $"belongs to user {status.stx_uid}, not to {LibcNative.geteuid()}");
        uint mode = status.stx_mode & 0x1FFu;
        if (orGroup && mode == GroupMode)
            return status.stx_gid;
        if (mode != Mode)
            throw Refused(key, path, $"has mode {Convert.ToString(status.stx_mode & 0xFFF, 8)}; it must be 700{(orGroup ? ", or 750 for a group" : "")}");
        return null;
    }

    private static VaiUsageException Refused(string key, string path, string what) => new(
        VaiError.InvalidOption,
        key != "socket"
            ? $"{key}: the directory {path} {what}. Give a path in a directory of this user alone, or one that does not exist yet."
            : $"socket: its directory {path} {what}. Who reaches the socket may use every model: give a path in a directory of this user alone, or one that does not exist yet.");
}
