using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>The C library's functions that .NET does not offer.</summary>
internal static partial class LibcNative
{
    // Linux, x86-64 and arm64 alike.
    internal const int O_RDONLY = 0;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;

    internal const int ENOENT = 2;
    internal const int ENXIO = 6;
    internal const int ENOTDIR = 20;

    /// <summary>open(2): a descriptor, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags);

    /// <summary>setenv(3): .NET keeps an environment of its own, which native code does not see.</summary>
    [LibraryImport(Libraries.Libc, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setenv(string name, string value, int overwrite);
}
