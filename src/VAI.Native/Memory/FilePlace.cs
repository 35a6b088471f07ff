using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>What is at a path.</summary>
internal static class FilePlace
{
    /// <summary>Whether a file that is open is still the one at its path: compares device and inode; a link there is not followed.</summary>
    public static bool IsAt(SafeFileHandle file, string path)
    {
        using var cwd = new SafeFileHandle(LibcNative.AT_FDCWD, ownsHandle: false);
        return LibcNative.Status(file, out statx_result held)
            && LibcNative.statx(cwd, path, LibcNative.AT_SYMLINK_NOFOLLOW, LibcNative.STATX_BASIC_STATS, out statx_result there) == 0
            && (held.stx_ino, held.stx_dev_major, held.stx_dev_minor) == (there.stx_ino, there.stx_dev_major, there.stx_dev_minor);
    }

    /// <summary>Whether something is at the path that is neither a regular file nor a directory nor a link: a device, a pipe, a socket.</summary>
    public static bool IsSpecial(string path)
    {
        using var cwd = new SafeFileHandle(LibcNative.AT_FDCWD, ownsHandle: false);
        return LibcNative.statx(cwd, path, LibcNative.AT_SYMLINK_NOFOLLOW, LibcNative.STATX_BASIC_STATS, out statx_result there) == 0
            && (there.stx_mode & LibcNative.S_IFMT) is not (LibcNative.S_IFREG or LibcNative.S_IFDIR or LibcNative.S_IFLNK);
    }
}
