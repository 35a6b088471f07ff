using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Finds out which part of files in memory is in huge pages. What it needs of the kernel it takes once for all of them. Not thread-safe.
/// </summary>
internal sealed unsafe class HugePageSampler : IDisposable
{
    private const int MostSamples = 16;

    // PAGEMAP_SCAN (Linux 6.7) is asked of this process's own map.
    private readonly SafeFileHandle _map;
    private nint _room;
    private nuint _length;

    private HugePageSampler(SafeFileHandle map) => _map = map;

    /// <summary>One; null where there are no huge pages that could be found.</summary>
    public static HugePageSampler? TryOpen()
    {
        if (!HugePages.Known)
            return null;
        int descriptor = LibcNative.open("/proc/self/pagemap", LibcNative.O_RDONLY | LibcNative.O_CLOEXEC);
        return descriptor < 0 ? null : new HugePageSampler(new SafeFileHandle(descriptor, ownsHandle: true));
    }

    /// <summary>Which part of a file is in huge pages: 0 to 1, by up to 16 samples; null where the kernel does not tell, or it is no file that has some.</summary>
    /// <param name="file">Open for reading. What it does not have yet is not made.</param>
    public double? PartOf(SafeFileHandle file)
    {
        if (!LibcNative.Status(file, out statx_result status)
            || (status.stx_mode & LibcNative.S_IFMT) != LibcNative.S_IFREG)
        {
            return null;
        }

        long pages = status.stx_size / HugePages.Bytes;
        if (pages == 0 || !TryMap(file, (nuint)(pages * HugePages.Bytes), out nint mapped))
            return null;
        int samples = (int)Math.Min(pages, MostSamples), huge = 0;
        for (int i = 0; i < samples; i++)
        {
            nint start = mapped + (nint)(pages * i / samples * HugePages.Bytes);
            if (LibcNative.madvise(start, (nuint)Environment.SystemPageSize, LibcNative.MADV_POPULATE_READ) != 0 || IsHuge(start) is not { } isHuge)
                return null;
            huge += isHuge ? 1 : 0;
        }

        return (double)huge / samples;
    }

    public void Dispose()
    {
        Release();
        _map.Dispose();
    }

    // Each over the one before it: the addresses are taken for the longest so far, and given back together.
    private bool TryMap(SafeFileHandle file, nuint length, out nint mapped)
    {
        mapped = 0;
        if (length + (nuint)HugePages.Bytes > _length)
        {
            Release();
            nint taken = LibcNative.mmap(0, length + (nuint)HugePages.Bytes, LibcNative.PROT_NONE, LibcNative.MAP_PRIVATE | LibcNative.MAP_ANONYMOUS, -1, 0);
            if (taken == -1)
                return false;
            (_room, _length) = (taken, length + (nuint)HugePages.Bytes);
        }

        nint start = (_room + (nint)HugePages.Bytes - 1) & -(nint)HugePages.Bytes;
        mapped = LibcNative.mmap(start, length, LibcNative.PROT_READ, LibcNative.MAP_SHARED | LibcNative.MAP_FIXED, file, 0);
        return mapped != -1;
    }

    private void Release()
    {
        if (_length > 0)
            _ = LibcNative.munmap(_room, _length);
        _length = 0;
    }

    // Whether a page of this process is mapped by a huge one.
    private bool? IsHuge(nint start)
    {
        page_region found = default;
        var scan = new pm_scan_arg
        {
            size = (ulong)sizeof(pm_scan_arg),
            start = (ulong)start,
            end = (ulong)start + (ulong)Environment.SystemPageSize,
            vec = (ulong)&found,
            vec_len = 1,
            category_mask = LibcNative.PAGE_IS_HUGE,
            return_mask = LibcNative.PAGE_IS_HUGE,
        };
        int regions = LibcNative.ioctl(_map, LibcNative.PAGEMAP_SCAN, &scan);
        return regions < 0 ? null : regions > 0;
    }
}
