using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Source;

namespace VAI.Native.Rom;

/// <summary>The file, or the files, that an image was burned from.</summary>
/// <param name="Path">Full path of the first, as it was given.</param>
/// <param name="Bytes">Length of all.</param>
/// <param name="MtimeNs">When the first was last written, in nanoseconds since 1970.</param>
/// <param name="Identity">
/// Key of what each path led to, in order: device, inode, length, times of its contents and of its inode, and some of its blocks. 0:
/// not known. Two that are the same are the same files, unchanged; of two that differ the digests must tell.
/// </param>
internal sealed record RomSource(string Path, long Bytes, long MtimeNs, UInt128 Identity = default)
{
    // The first, the last, and some between: what a file is replaced by differs in most of them, and reading them takes no millisecond.
    private const int Samples = 8;
    private const int SampleBytes = 4096;

    /// <summary>A key to find the source by when it is gone, of its path.</summary>
    public byte[] Key => KeyOf(Path);

    public static byte[] KeyOf(string path) => RomKey.Of(path, RomLayout.KeyBytes);

    /// <summary>Looks at the files, following links.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.</exception>
    public static RomSource Of(params ReadOnlySpan<string> files)
    {
        UInt128 identity = RomKey.Start;
        long bytes = 0, mtime = 0;
        for (int i = 0; i < files.Length; i++)
        {
            using SafeFileHandle file = Open(files[i], out statx_result status);
            identity = RomKey.Add(identity, MemoryMarshal.AsBytes<ulong>(
            [
                ((ulong)status.stx_dev_major << 32) | status.stx_dev_minor,
                status.stx_ino,
                (ulong)status.stx_size,
                Nanoseconds(status.stx_mtime_sec, status.stx_mtime_nsec),
                Nanoseconds(status.stx_ctime_sec, status.stx_ctime_nsec),
            ]));
            try
            {
                identity = Sample(file, status.stx_size, identity);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new VaiUsageException(VaiError.FileNotReadable, $"{files[i]}: cannot be read ({e.Message}). Check its disk.", e);
            }

            bytes += status.stx_size;
            if (i == 0)
                mtime = (long)Nanoseconds(status.stx_mtime_sec, status.stx_mtime_nsec);
        }

        return new RomSource(System.IO.Path.GetFullPath(files[0]), bytes, mtime, identity == 0 ? 1 : identity);
    }

    /// <summary>
    /// Looks at the file, or files, of a model (<see cref="SplitName"/>). A part that is missing is for the gate to say: without it the
    /// model is another one.
    /// </summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.</exception>
    public static RomSource OfModel(string file) => Of([file, .. SplitName.Files(file).Skip(1).Where(IsThere)]);

    /// <summary>The same; null if there is no such file, which a link that leads nowhere is none of.</summary>
    public static RomSource? TryOf(string file)
    {
        try
        {
            return File.Exists(file) ? OfModel(file) : null;
        }
        catch (VaiUsageException e) when (e.Code == VaiError.FileNotFound)
        {
            return null;
        }
    }

    private static bool IsThere(string file)
    {
        try
        {
            Open(file, out _).Dispose();
            return true;
        }
        catch (VaiUsageException e) when (e.Code == VaiError.FileNotFound)
        {
            return false;
        }
    }

    private static UInt128 Sample(SafeFileHandle file, long length, UInt128 key)
    {
        Span<byte> block = stackalloc byte[SampleBytes];
        for (int i = 0; i < Samples; i++)
        {
            long at = (long)((Int128)Math.Max(0, length - SampleBytes) * i / (Samples - 1));
            key = RomKey.Add(key, block[..RandomAccess.Read(file, block, at)]);
        }

        return key;
    }

    // .NET's own open would wait for ever on a pipe that nobody writes to.
    private static SafeFileHandle Open(string path, out statx_result status)
    {
        if (path.Contains('\0'))
            throw NotFound(path);
        int descriptor = LibcNative.open(path, LibcNative.O_RDONLY | LibcNative.O_NONBLOCK | LibcNative.O_CLOEXEC);
        if (descriptor < 0)
        {
            string reason = Marshal.GetLastPInvokeErrorMessage();
            throw Marshal.GetLastPInvokeError() is LibcNative.ENOENT or LibcNative.ENOTDIR or LibcNative.ENXIO
                ? NotFound(path)
                : new VaiUsageException(VaiError.FileNotReadable, $"{path}: cannot be opened ({reason}). Check its permissions.");
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (LibcNative.Status(file, out status)
            && (status.stx_mode & LibcNative.S_IFMT) == LibcNative.S_IFREG)
        {
            return file;
        }

        file.Dispose();
        throw NotFound(path);
    }

    private static ulong Nanoseconds(long seconds, uint rest) => (ulong)((seconds * 1_000_000_000) + rest);

    private static VaiUsageException NotFound(string path) =>
        new(VaiError.FileNotFound, $"{path}: there is no such file. Check the path.");
}
