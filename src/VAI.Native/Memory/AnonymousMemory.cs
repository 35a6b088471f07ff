using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Pages of a process's own, zeros until they are written. Not out of the C heap: freeing a large block there would move the
/// place from which on glibc gives blocks mappings of their own, and with it llama.cpp's buffers.
/// </summary>
internal unsafe class AnonymousMemory : ByteView
{
    private readonly nint _start;
    private nuint _mapped;

    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public AnonymousMemory(long bytes)
    {
        _start = LibcNative.mmap(
            0, (nuint)bytes, LibcNative.PROT_READ | LibcNative.PROT_WRITE, LibcNative.MAP_PRIVATE | LibcNative.MAP_ANONYMOUS, -1, 0);
        if (_start == -1)
        {
            throw new VaiEngineException(
                VaiError.OutOfMemory, $"There is no memory for {bytes} bytes ({Marshal.GetLastPInvokeErrorMessage()}). Free some, or raise the limit.");
        }

        _mapped = (nuint)bytes;
        Set((byte*)_start, bytes);
    }

    /// <summary>The first byte.</summary>
    public byte* Start => (byte*)_start;

    /// <summary>Gives back the whole pages behind the first bytes.</summary>
    protected void Trim(long bytes)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint kept = ((nuint)bytes + page - 1) & ~(page - 1);
        if (kept < _mapped && LibcNative.munmap(_start + (nint)kept, _mapped - kept) == 0)
            _mapped = kept;
        Set((byte*)_start, bytes);
    }

    private protected override void Release() => _ = LibcNative.munmap(_start, _mapped);
}
