using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Byte-range locks that belong to an open file description (<c>fcntl(2)</c>, "Open file description locks"): unlike POSIX
/// locks they exclude other descriptors of the same process, and the kernel drops them when the last one is closed, however
/// the process ends. They are advisory, and .NET's own <see cref="FileStream.Lock"/> takes the other kind.
/// </summary>
internal static class FileLock
{
    /// <summary>Takes the bytes [start, start + length) for this description alone.</summary>
    /// <param name="file">A descriptor open for writing.</param>
    /// <param name="start">First byte; it need not exist.</param>
    /// <param name="length">Number of bytes; 0 for all from there on.</param>
    /// <returns>False if another description holds one of them.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.NativeFailure"/>: the file system has no such locks.</exception>
    public static bool TryTake(SafeFileHandle file, long start = 0, long length = 0)
    {
        var request = new file_lock { l_type = LibcNative.F_WRLCK, l_start = start, l_len = length };
        while (LibcNative.fcntl(file, LibcNative.F_OFD_SETLK, ref request) != 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case LibcNative.EAGAIN or LibcNative.EACCES:
                    return false;
                case LibcNative.EINTR:
                    break;
                default:
                    throw Failed();
            }
        }

        return true;
    }

    /// <summary>Gives the bytes back.</summary>
    public static void Release(SafeFileHandle file, long start = 0, long length = 0)
    {
        var request = new file_lock { l_type = LibcNative.F_UNLCK, l_start = start, l_len = length };
        if (LibcNative.fcntl(file, LibcNative.F_OFD_SETLK, ref request) != 0)
            throw Failed();
    }

    /// <summary>Whether another description holds one of the bytes; says which run of them it holds.</summary>
    public static bool IsTaken(SafeFileHandle file, long start, long length, out long takenStart, out long takenLength)
    {
        var request = new file_lock { l_type = LibcNative.F_WRLCK, l_start = start, l_len = length };
        if (LibcNative.fcntl(file, LibcNative.F_OFD_GETLK, ref request) != 0)
            throw Failed();
        (takenStart, takenLength) = (request.l_start, request.l_len);
        return request.l_type != LibcNative.F_UNLCK;
    }

    /// <summary>Takes all bytes, trying again until the deadline: a lock of the kernel's own waiting could not be cancelled.</summary>
    /// <returns>False if the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static bool Take(SafeFileHandle file, TimeSpan deadline, CancellationToken cancellationToken)
    {
        long start = Environment.TickCount64;
        for (int wait = 1; !TryTake(file); wait = Math.Min(wait * 2, 20))
        {
            if (Environment.TickCount64 - start >= deadline.TotalMilliseconds)
                return false;
            if (cancellationToken.WaitHandle.WaitOne(wait))
                cancellationToken.ThrowIfCancellationRequested();
        }

        return true;
    }

    private static VaiEngineException Failed() => new(
        VaiError.NativeFailure,
        $"The file system has no open-file-description locks ({Marshal.GetLastPInvokeErrorMessage()}). "
        + "Put the ROM directory on a local file system.");
}
