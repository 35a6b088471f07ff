using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>The C library's functions that .NET does not offer.</summary>
internal static partial class LibcNative
{
    [LibraryImport(Libraries.Libc, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setenv(string name, string value, int overwrite);
}
