using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>A regular file mapped read-only as a whole.</summary>
/// <remarks>
/// The file must not be shortened while it is mapped: reading a page that is gone ends the process (SIGBUS), as it does
/// in llama.cpp.
/// </remarks>
internal sealed unsafe class MappedFile : ByteView
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    private MappedFile(MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
    {
        _file = file;
        _view = view;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Set(start, length);
    }

    /// <summary>Maps the file.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/>: there is no regular file; <see cref="VaiError.FileNotReadable"/>: it cannot
    /// be opened or mapped.
    /// </exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>: the file is empty.</exception>
    public static MappedFile Open(string path)
    {
        using SafeFileHandle handle = OpenRegular(path);
        long length = RandomAccess.GetLength(handle);
        if (length == 0)
            throw new VaiModelException(VaiError.MalformedModel, $"{path}: the file is empty. Download it again.");

        try
        {
            var file = MemoryMappedFile.CreateFromFile(
                handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            try
            {
                return new MappedFile(file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw NotReadable(path, $"cannot be mapped ({e.Message})", e);
        }
    }

    private protected override void Release()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    // .NET's own open would wait for ever on a pipe that nobody writes to.
    private static SafeFileHandle OpenRegular(string path)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("VAI maps model files on Linux only. Run it there.");
        if (string.IsNullOrEmpty(path) || path.Contains('\0'))
            throw new VaiUsageException(VaiError.FileNotFound, "The model's path is empty or has a NUL in it. Give the path of a GGUF file.");
        if (Directory.Exists(path))
            throw new VaiUsageException(VaiError.FileNotFound, $"{path}: is a directory. Give the path of a GGUF file.");

        int descriptor = LibcNative.open(path, LibcNative.O_RDONLY | LibcNative.O_NONBLOCK | LibcNative.O_CLOEXEC);
        if (descriptor >= 0)
        {
            var handle = new SafeFileHandle(descriptor, ownsHandle: true);
            if (IsRegular(handle))
                return handle;
            handle.Dispose();
            throw NotRegular(path);
        }

        string reason = Marshal.GetLastPInvokeErrorMessage();
        throw Marshal.GetLastPInvokeError() switch
        {
            LibcNative.ENOENT or LibcNative.ENOTDIR =>
                new VaiUsageException(VaiError.FileNotFound, $"{path}: there is no such file. Check the path."),
            LibcNative.ENXIO => NotRegular(path),
            _ => NotReadable(path, $"cannot be opened ({reason})"),
        };
    }

    private static bool IsRegular(SafeFileHandle handle) =>
        LibcNative.statx(handle, "", LibcNative.AT_EMPTY_PATH, LibcNative.STATX_BASIC_STATS, out statx_result status) == 0
        && (status.stx_mode & LibcNative.S_IFMT) == LibcNative.S_IFREG;

    private static VaiUsageException NotRegular(string path) =>
        new(VaiError.FileNotFound, $"{path}: is not a regular file. Give the path of a GGUF file.");

    private static VaiUsageException NotReadable(string path, string what, Exception? inner = null) =>
        new(VaiError.FileNotReadable, $"{path}: {what}. Check its permissions and its disk.", inner);
}
