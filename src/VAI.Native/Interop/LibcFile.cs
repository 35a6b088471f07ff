using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>The file calls of libc that .NET has no equal for.</summary>
internal static partial class LibcFile
{
    private const string Libc = "libc";

    // Linux, x86-64 and arm64 alike.
    internal const int O_RDONLY = 0;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;

    internal const int ENOENT = 2;
    internal const int ENXIO = 6;
    internal const int ENOTDIR = 20;

    /// <summary>open(2): a descriptor, or -1 with errno set.</summary>
    [LibraryImport(Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags);
}
