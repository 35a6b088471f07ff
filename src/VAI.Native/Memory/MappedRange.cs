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

    private protected override void Release() => _ = LibcNative.munmap(_start, _length);
}
