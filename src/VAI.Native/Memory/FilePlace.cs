using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>Whether a file that is open is still the one at its path.</summary>
internal static class FilePlace
{
    /// <summary>Compares device and inode; a link at the path is not followed.</summary>
    public static bool IsAt(SafeFileHandle file, string path)
    {
        using var cwd = new SafeFileHandle(LibcNative.AT_FDCWD, ownsHandle: false);
        return LibcNative.statx(file, "", LibcNative.AT_EMPTY_PATH, LibcNative.STATX_BASIC_STATS, out statx_result held) == 0
            && LibcNative.statx(cwd, path, LibcNative.AT_SYMLINK_NOFOLLOW, LibcNative.STATX_BASIC_STATS, out statx_result there) == 0
            && (held.stx_ino, held.stx_dev_major, held.stx_dev_minor) == (there.stx_ino, there.stx_dev_major, there.stx_dev_minor);
    }
}
