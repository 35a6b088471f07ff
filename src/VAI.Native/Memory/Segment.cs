using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>A file mapped shared: what one process stores there, the others see.</summary>
/// <remarks>
/// The mapping ends with the last <see cref="Access"/> to it, so that disposing while another thread reads is safe. It does
/// not keep the file open. The file must not be shortened while it is mapped (SIGBUS).
/// </remarks>
internal sealed unsafe class Segment : SafeHandle
{
    private static readonly nint Failed = -1;

    private Segment(nint address, long length)
        : base(Failed, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
    }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == Failed;

    /// <summary>Maps the file's first <paramref name="length"/> bytes.</summary>
    /// <param name="file">A descriptor open for reading, and for writing too if <paramref name="writable"/>.</param>
    /// <param name="length">How many; the file has them.</param>
    /// <param name="writable">False: a store through the mapping ends the process (SIGSEGV).</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: it could not be mapped.</exception>
    public static Segment Map(SafeFileHandle file, long length, bool writable)
    {
        int protection = LibcNative.PROT_READ | (writable ? LibcNative.PROT_WRITE : 0);
        nint address = LibcNative.mmap(0, (nuint)length, protection, LibcNative.MAP_SHARED, file, 0);
        return address != Failed
            ? new Segment(address, length)
            : throw new VaiEngineException(
                VaiError.OutOfMemory,
                $"{length} bytes could not be mapped ({Marshal.GetLastPInvokeErrorMessage()}). Free memory, or raise the limit on mappings.");
    }

    /// <summary>Keeps the mapping until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The segment is disposed.</exception>
    public Access Enter() => new(this);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibcNative.munmap(handle, (nuint)Length) == 0;

    /// <summary>The mapped bytes, for as long as this is not disposed.</summary>
    internal readonly ref struct Access
    {
        private readonly Segment _segment;

        internal Access(Segment segment)
        {
            bool entered = false;
            segment.DangerousAddRef(ref entered);
            _segment = segment;
        }

        /// <summary>The first byte.</summary>
        public byte* Start => (byte*)_segment.handle;

        /// <summary>Gives the mapping back.</summary>
        public void Dispose() => _segment.DangerousRelease();
    }
}
