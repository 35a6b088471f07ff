using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>The C library's functions that .NET does not offer.</summary>
internal static partial class LibcNative
{
    // Linux, x86-64 and arm64 alike.
    internal const int O_RDONLY = 0;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;

    internal const int AT_EMPTY_PATH = 0x1000;
    internal const uint STATX_TYPE = 1;

    // struct statx is the same on every architecture: 256 bytes, the mode a u16 at byte 28.
    internal const int StatxSize = 256;
    internal const int StatxModeOffset = 28;
    internal const int S_IFMT = 0xF000;
    internal const int S_IFREG = 0x8000;

    internal const int ENOENT = 2;
    internal const int ENXIO = 6;
    internal const int ENOTDIR = 20;

    /// <summary>open(2): a descriptor, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags);

    /// <summary>statx(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static unsafe partial int statx(SafeHandle directory, string path, int flags, uint mask, byte* buffer);

    /// <summary>setenv(3): .NET keeps an environment of its own, which native code does not see.</summary>
    [LibraryImport(Libraries.Libc, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setenv(string name, string value, int overwrite);
}
