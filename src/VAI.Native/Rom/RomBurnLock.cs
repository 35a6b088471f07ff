using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>
/// The right to burn one image: the lock on its unpublished file. The kernel drops it with the process, so that an
/// unpublished file that nobody holds is the remains of a dead burn.
/// </summary>
internal static class RomBurnLock
{
    private const uint Mode = 0b_110_000_000;

    /// <summary>Takes the right, waiting for whoever has it.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="id">The image.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="waiting">Called before waiting.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <returns>The empty, unpublished file; null if the image exists.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomBurning"/>: the deadline passed.</exception>
    public static SafeFileHandle? Take(
        RomDirectory directory, string id, TimeSpan deadline, Action waiting, CancellationToken cancellationToken)
    {
        string path = directory.BurnPath(id);
        long start = Environment.TickCount64;
        while (true)
        {
            if (IsUsable(directory.ImagePath(id)))
                return null;
            int descriptor = LibcNative.open(
                path, LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_NOFOLLOW | LibcNative.O_CLOEXEC, Mode);
            if (descriptor < 0)
            {
                throw new VaiEngineException(
                    VaiError.FileNotWritable, $"{path}: cannot be opened for burning ({Marshal.GetLastPInvokeErrorMessage()}). Check the directory.");
            }

            var file = new SafeFileHandle(descriptor, ownsHandle: true);
            try
            {
                TimeSpan left = deadline - TimeSpan.FromMilliseconds(Environment.TickCount64 - start);
                if (!FileLock.TryTake(file))
                {
                    waiting();
                    if (!FileLock.Take(file, left, cancellationToken))
                    {
                        throw new VaiEngineException(
                            VaiError.RomBurning, $"{path}: another process burns this ROM, and {deadline.TotalSeconds:F0} s have passed. Wait longer.");
                    }
                }

                // Its holder may have published or removed it: then this is the lock of a file that is not the one.
                if (IsAt(file, path) && !IsUsable(directory.ImagePath(id)))
                {
                    if (LibcNative.ftruncate(file, 0) != 0)
                        throw new VaiEngineException(VaiError.FileNotWritable, $"{path}: cannot be emptied ({Marshal.GetLastPInvokeErrorMessage()}).");
                    return file;
                }

                RemoveUnpublished(directory, id, file);
                file.Dispose();
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
    }

    /// <summary>Removes the unpublished file if it is still the one that is held.</summary>
    public static void RemoveUnpublished(RomDirectory directory, string id, SafeFileHandle held)
    {
        string path = directory.BurnPath(id);
        if (IsAt(held, path))
            _ = LibcNative.unlink(path);
    }

    /// <summary>Removes what dead burns have left; those that go on hold their locks.</summary>
    /// <returns>How many there were.</returns>
    public static int Sweep(RomDirectory directory)
    {
        int removed = 0;
        foreach (string path in Directory.EnumerateFiles(directory.Path, "*" + RomDirectory.BurnSuffix))
        {
            int descriptor = LibcNative.open(path, LibcNative.O_RDWR | LibcNative.O_NOFOLLOW | LibcNative.O_CLOEXEC);
            if (descriptor < 0)
                continue;
            using var file = new SafeFileHandle(descriptor, ownsHandle: true);
            if (!FileLock.TryTake(file) || !IsAt(file, path))
                continue;
            _ = LibcNative.unlink(path);
            removed++;
        }

        return removed;
    }

    // An image that cannot be attached any more is burned anew over it.
    private static bool IsUsable(string path)
    {
        try
        {
            using var rom = RomFile.Open(path);
            rom.MapMetadata().Dispose();
            return true;
        }
        catch (VaiException e) when (e.Code is VaiError.RomNotBurned or VaiError.RomDamaged or VaiError.RomTruncated)
        {
            return false;
        }
    }

    private static bool IsAt(SafeFileHandle file, string path)
    {
        using var cwd = new SafeFileHandle(LibcNative.AT_FDCWD, ownsHandle: false);
        return LibcNative.statx(file, "", LibcNative.AT_EMPTY_PATH, LibcNative.STATX_BASIC_STATS, out statx_result held) == 0
            && LibcNative.statx(cwd, path, LibcNative.AT_SYMLINK_NOFOLLOW, LibcNative.STATX_BASIC_STATS, out statx_result there) == 0
            && (held.stx_ino, held.stx_dev_major, held.stx_dev_minor) == (there.stx_ino, there.stx_dev_major, there.stx_dev_minor);
    }
}
