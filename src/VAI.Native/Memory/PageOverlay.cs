using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Pages of a file laid over memory that somebody else allocated, who then reads the file where it expects its own bytes.
/// Disposal lays anonymous memory back, since an allocator may write into what it is given back.
/// </summary>
internal sealed unsafe class PageOverlay : IDisposable
{
    private nint _start;

    private PageOverlay(nint start, nuint length)
    {
        _start = start;
        Length = length;
    }

    /// <summary>The first byte that is the file's.</summary>
    public nint Start => _start;

    public nuint Length { get; }

    /// <summary>
    /// Lays the whole pages of [start, start + length) over; nothing where there is none, or where memory and file do not
    /// begin at the same place of a page. What is left at both ends is the caller's to copy.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">The byte of the file that belongs at <paramref name="start"/>.</param>
    /// <param name="start">The memory.</param>
    /// <param name="length">Its length.</param>
    /// <param name="writable">Whether writes go to the file; otherwise they fault.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>; nothing was changed.</exception>
    public static PageOverlay? Lay(SafeFileHandle file, long offset, byte* start, long length, bool writable)
    {
        long page = Environment.SystemPageSize;
        long first = ((nint)start + page - 1) & ~(page - 1);
        long end = ((nint)start + length) & ~(page - 1);
        if (end <= first || ((nint)start - offset) % page != 0)
            return null;
        int protection = LibcNative.PROT_READ | (writable ? LibcNative.PROT_WRITE : 0);
        nint laid = LibcNative.mmap(
            (nint)first, (nuint)(end - first), protection, LibcNative.MAP_SHARED | LibcNative.MAP_FIXED, file, offset + (first - (nint)start));
        return laid != -1 ? new PageOverlay(laid, (nuint)(end - first)) : throw Failed("lay a ROM over memory");
    }

    /// <summary>
    /// Lays pages of zeros over the whole pages of [start, start + length), which cannot be written: what was there is given back, and they
    /// count for nothing. Null where there is no whole page.
    /// </summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>; nothing was changed.</exception>
    public static PageOverlay? Blank(byte* start, long length)
    {
        long page = Environment.SystemPageSize;
        long first = ((nint)start + page - 1) & ~(page - 1);
        long end = ((nint)start + length) & ~(page - 1);
        if (end <= first)
            return null;
        nint laid = LibcNative.mmap(
            (nint)first, (nuint)(end - first), LibcNative.PROT_READ,
            LibcNative.MAP_PRIVATE | LibcNative.MAP_ANONYMOUS | LibcNative.MAP_FIXED, -1, 0);
        return laid != -1 ? new PageOverlay(laid, (nuint)(end - first)) : throw Failed("take memory that is not used");
    }

    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: the file's pages are still there.</exception>
    public void Dispose()
    {
        if (_start == 0)
            return;
        nint restored = LibcNative.mmap(
            _start, Length, LibcNative.PROT_READ | LibcNative.PROT_WRITE,
            LibcNative.MAP_PRIVATE | LibcNative.MAP_ANONYMOUS | LibcNative.MAP_FIXED, -1, 0);
        if (restored == -1)
            throw Failed("give memory back");
        _start = 0;
    }

    private static VaiEngineException Failed(string what) => new(
        VaiError.OutOfMemory, $"Could not {what} ({Marshal.GetLastPInvokeErrorMessage()}). Raise vm.max_map_count or free address space.");
}
