using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>
/// An image's unpublished file, held by its burner. The kernel drops the lock with the process, so that a draft that nobody
/// holds is the remains of a dead burn.
/// </summary>
internal static class RomDraft
{
    /// <summary>Takes the right to burn an image, waiting for whoever has it.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="id">The image.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="waiting">Called before waiting.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <returns>The empty draft; null if the image exists.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomBurning"/>: the deadline passed.</exception>
    public static FileLock? Take(
        RomDirectory directory, string id, TimeSpan deadline, Action waiting, CancellationToken cancellationToken)
    {
        string path = directory.BurnPath(id);
        long start = Environment.TickCount64;
        while (true)
        {
            if (IsUsable(directory.ImagePath(id)))
                return null;
            FileLock draft = FileLock.Open(path, RomLocks.Burner) ?? throw new VaiEngineException(
                VaiError.FileNotWritable, $"{path}: cannot be opened for burning ({Marshal.GetLastPInvokeErrorMessage()}). Check the directory.");
            try
            {
                TimeSpan left = deadline - TimeSpan.FromMilliseconds(Environment.TickCount64 - start);
                if (!draft.TryTake())
                {
                    waiting();
                    if (!draft.Take(left, cancellationToken))
                    {
                        throw new VaiEngineException(
                            VaiError.RomBurning, $"{path}: another process burns this ROM, and {deadline.TotalSeconds:F0} s have passed. Wait longer.");
                    }
                }

                // Its holder may have published or removed it: then this is the lock of a file that is not the one.
                if (FilePlace.IsAt(draft.Handle, path) && !IsUsable(directory.ImagePath(id)))
                {
                    if (LibcNative.ftruncate(draft.Handle, 0) != 0)
                        throw new VaiEngineException(VaiError.FileNotWritable, $"{path}: cannot be emptied ({Marshal.GetLastPInvokeErrorMessage()}).");
                    return draft;
                }

                Remove(directory, id, draft.Handle);
                draft.Dispose();
            }
            catch
            {
                draft.Dispose();
                throw;
            }
        }
    }

    /// <summary>Removes the draft if it is still the one that is held.</summary>
    public static void Remove(RomDirectory directory, string id, SafeFileHandle held)
    {
        string path = directory.BurnPath(id);
        if (FilePlace.IsAt(held, path))
            _ = LibcNative.unlink(path);
    }

    /// <summary>Removes what dead burns have left; those that go on hold their locks.</summary>
    /// <returns>How many there were.</returns>
    public static int Sweep(RomDirectory directory)
    {
        int removed = 0;
        foreach (string path in Directory.EnumerateFiles(directory.Path, "*" + RomDirectory.BurnSuffix))
        {
            int descriptor = LibcNative.open(path, LibcNative.O_RDWR | LibcNative.O_NOFOLLOW | LibcNative.O_CLOEXEC | LibcNative.O_NONBLOCK);
            if (descriptor < 0)
                continue;
            using var draft = new FileLock(new SafeFileHandle(descriptor, ownsHandle: true), RomLocks.Burner, owns: true);
            if (!draft.TryTake() || !FilePlace.IsAt(draft.Handle, path))
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
}
