using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>A run of an open file, mapped read-only and shared. It stays valid when the file is closed or unlinked.</summary>
internal sealed unsafe class MappedRange : ByteView
{
    private readonly nint _start;
    private readonly nuint _length;

    private MappedRange(nint start, nuint length)
    {
        _start = start;
        _length = length;
        Set((byte*)start, (long)length);
    }

    /// <summary>The first byte.</summary>
    public byte* Start => (byte*)_start;

    /// <summary>Maps the bytes [offset, offset + length), which must be inside the file.</summary>
    /// <param name="file">A descriptor open for reading.</param>
    /// <param name="offset">A multiple of the system's page size.</param>
    /// <param name="length">More than 0.</param>
    /// <param name="name">For errors.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public static MappedRange Map(SafeFileHandle file, long offset, long length, string name)
    {
        nint start = LibcNative.mmap(0, (nuint)length, LibcNative.PROT_READ, LibcNative.MAP_SHARED, file, offset);
        return start != -1
            ? new MappedRange(start, (nuint)length)
            : throw new VaiEngineException(
                VaiError.OutOfMemory,
                $"{name}: {length} bytes cannot be mapped ({Marshal.GetLastPInvokeErrorMessage()}). Free address space or memory.");
    }

    /// <summary>Maps the file's first bytes to an address that is a multiple of something larger than a page.</summary>
    /// <param name="file">A descriptor open for reading.</param>
    /// <param name="length">More than 0, and no more than the file has.</param>
    /// <param name="alignment">A multiple of the system's page size, and a power of two.</param>
    /// <param name="name">For errors.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public static MappedRange MapAligned(SafeFileHandle file, long length, long alignment, string name)
    {
        // Addresses first, with room to choose among them; what is over goes back.
        nuint pages = ((nuint)length + (nuint)Environment.SystemPageSize - 1) & ~((nuint)Environment.SystemPageSize - 1);
        nuint room = pages + (nuint)alignment;
        nint taken = LibcNative.mmap(0, room, LibcNative.PROT_NONE, LibcNative.MAP_PRIVATE | LibcNative.MAP_ANONYMOUS, -1, 0);
        if (taken == -1)
            throw Failed();
        nint start = (nint)(((nuint)taken + (nuint)alignment - 1) & ~((nuint)alignment - 1));
        nint mapped = LibcNative.mmap(start, (nuint)length, LibcNative.PROT_READ, LibcNative.MAP_SHARED | LibcNative.MAP_FIXED, file, 0);
        if (mapped == -1)
        {
            VaiEngineException failed = Failed();
            _ = LibcNative.munmap(taken, room);
            throw failed;
        }

        nuint before = (nuint)(start - taken), after = room - before - pages;
        if (before > 0)
            _ = LibcNative.munmap(taken, before);
        if (after > 0)
            _ = LibcNative.munmap(start + (nint)pages, after);
        return new MappedRange(mapped, (nuint)length);

        VaiEngineException Failed() => new(
            VaiError.OutOfMemory, $"{name}: {length} bytes cannot be mapped ({Marshal.GetLastPInvokeErrorMessage()}). Free address space or memory.");
    }

    /// <summary>Fills the page tables for a part, so that the first use does not fault. Best effort.</summary>
    /// <returns>False if the kernel cannot (before Linux 5.14), so that going on is of no use.</returns>
    public bool Populate(nuint offset, nuint length) =>
        offset >= _length || LibcNative.madvise(_start + (nint)offset, Math.Min(length, _length - offset), LibcNative.MADV_POPULATE_READ) == 0;

    private protected override void Release() => _ = LibcNative.munmap(_start, _length);
}
