using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// A model's file, read by pread(2): what becomes shorter meanwhile is an error, where a mapping would end the process (SIGBUS).
/// Safe for concurrent reads.
/// </summary>
internal sealed class RegularFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly statx_result _opened;

    private RegularFile(SafeFileHandle handle, string path, in statx_result opened)
    {
        _handle = handle;
        _opened = opened;
        Path = path;
    }

    /// <summary>The path as given.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes when it was opened.</summary>
    public long Length => _opened.stx_size;

    /// <summary>Opens it.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/>: there is no regular file; <see cref="VaiError.FileNotReadable"/>: it cannot
    /// be opened.
    /// </exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>: the file is empty.</exception>
    public static RegularFile Open(string path)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("VAI reads model files on Linux only. Run it there.");
        if (string.IsNullOrEmpty(path) || path.Contains('\0'))
            throw new VaiUsageException(VaiError.FileNotFound, "The model's path is empty or has a NUL in it. Give the path of a GGUF file.");
        if (Directory.Exists(path))
            throw new VaiUsageException(VaiError.FileNotFound, $"{path}: is a directory. Give the path of a GGUF file.");

        if (TryOpen(path, out statx_result status, out int error) is not { } handle)
            throw error == 0 ? NotRegular(path) : NotOpened(path, error, Marshal.GetPInvokeErrorMessage(error));
        if (status.stx_size > 0)
            return new RegularFile(handle, path, status);
        handle.Dispose();
        throw new VaiModelException(VaiError.MalformedModel, $"{path}: the file is empty. Download it again.");
    }

    /// <summary>A regular file's descriptor, open for reading; null where there is none, or it cannot be read. Waits for nobody.</summary>
    public static SafeFileHandle? TryOpen(string path) => TryOpen(path, out _, out _);

    /// <summary>Reads the bytes from <paramref name="offset"/> on until the span is full.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotReadable"/>: the file ends before, or cannot be read.</exception>
    public void Read(long offset, Span<byte> to)
    {
        while (to.Length > 0)
        {
            int read;
            try
            {
                read = RandomAccess.Read(_handle, to, offset);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw NotReadable(Path, $"cannot be read at byte {offset} ({e.Message})", e);
            }

            if (read == 0)
            {
                throw new VaiUsageException(
                    VaiError.FileNotReadable,
                    $"{Path}: the file ended at byte {offset} while it was read; it had {Length} bytes when it was opened. Try again when it is complete.");
            }

            offset += read;
            to = to[read..];
        }
    }

    /// <summary>Gives back the page cache of a part of the file, which nobody reads again soon. Best effort.</summary>
    public void Drop(long offset, long length) => _ = LibcNative.posix_fadvise(_handle, offset, length, LibcNative.POSIX_FADV_DONTNEED);

    /// <summary>Whether it still has the length and the time that it was opened with.</summary>
    public bool IsUnchanged() => LibcNative.Status(_handle, out statx_result now)
        && (now.stx_size, now.stx_mtime_sec, now.stx_mtime_nsec) == (_opened.stx_size, _opened.stx_mtime_sec, _opened.stx_mtime_nsec);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    // No error, and null: there is something, and it is no regular file.
    private static SafeFileHandle? TryOpen(string path, out statx_result status, out int error)
    {
        (status, error) = (default, 0);

        // .NET's own open would wait for ever on a pipe that nobody writes to.
        int descriptor = LibcNative.open(path, LibcNative.O_RDONLY | LibcNative.O_NONBLOCK | LibcNative.O_CLOEXEC);
        if (descriptor < 0)
        {
            error = Marshal.GetLastPInvokeError();
            return null;
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (LibcNative.Status(handle, out status) && (status.stx_mode & LibcNative.S_IFMT) == LibcNative.S_IFREG)
            return handle;
        handle.Dispose();
        return null;
    }

    private static VaiUsageException NotOpened(string path, int error, string reason) => error switch
    {
        LibcNative.ENOENT or LibcNative.ENOTDIR =>
            new VaiUsageException(VaiError.FileNotFound, $"{path}: there is no such file. Check the path."),
        LibcNative.ENXIO => NotRegular(path),
        _ => NotReadable(path, $"cannot be opened ({reason})"),
    };

    private static VaiUsageException NotRegular(string path) =>
        new(VaiError.FileNotFound, $"{path}: is not a regular file. Give the path of a GGUF file.");

    private static VaiUsageException NotReadable(string path, string what, Exception? inner = null) =>
        new(VaiError.FileNotReadable, $"{path}: {what}. Check its permissions and its disk.", inner);
}
