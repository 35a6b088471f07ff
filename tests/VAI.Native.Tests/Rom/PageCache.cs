using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Tests.Rom;

/// <summary>What the kernel has in memory of a file.</summary>
internal static unsafe partial class PageCache
{
    public static long BytesOf(string file)
    {
        using SafeFileHandle handle = File.OpenHandle(file);
        long length = RandomAccess.GetLength(handle);
        nint start = LibcNative.mmap(0, (nuint)length, LibcNative.PROT_READ, LibcNative.MAP_SHARED, handle, 0);
        Assert.NotEqual(-1, start);
        byte[] pages = new byte[(length + Environment.SystemPageSize - 1) / Environment.SystemPageSize];
        fixed (byte* first = pages)
            Assert.Equal(0, mincore(start, (nuint)length, first));
        _ = LibcNative.munmap(start, (nuint)length);
        return pages.LongCount(p => (p & 1) != 0) * Environment.SystemPageSize;
    }

    [LibraryImport("libc")]
    private static partial int mincore(nint start, nuint length, byte* pages);
}
