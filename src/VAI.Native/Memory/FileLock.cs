using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>A run of a file's bytes, which need not exist.</summary>
/// <param name="Start">The first.</param>
/// <param name="Length">How many; 0 for all from there on.</param>
internal readonly record struct ByteRange(long Start, long Length)
{
    public static ByteRange All => default;
}

/// <summary>
/// A lock on bytes of a file, from <see cref="TryTake"/> to disposal or the end of the process: how everything between processes
/// shows that it lives. The lock belongs to an open file description (<c>fcntl(2)</c>, "Open file description locks"): unlike POSIX
/// locks they exclude other descriptors of the same process, and the kernel drops them when the last one is closed, however
/// the process ends and whatever it is called in another pid namespace.
/// </summary>
/// <remarks>
/// Advisory. .NET's own <see cref="FileStream.Lock"/> takes the other kind. A file that is made for its lock alone stays: to remove it
/// would let two hold it.
/// </remarks>
internal sealed class FileLock : IDisposable
{
    private const uint OwnerOnly = 0b_110_000_000;

    private readonly ByteRange _bytes;
    private readonly bool _owns;
    private bool _taken;

    /// <summary>A lock to be taken on a descriptor, which stays its owner's unless it is given away.</summary>
    /// <param name="file">For a lock that excludes others it is open for writing.</param>
    /// <param name="bytes">Which bytes.</param>
    /// <param name="owns">Whether the descriptor is closed with the lock.</param>
    public FileLock(SafeFileHandle file, ByteRange bytes, bool owns = false) => (Handle, _bytes, _owns) = (file, bytes, owns);

    public SafeFileHandle Handle { get; }

    /// <summary>Told now and then by whoever waits for a lock: he does not hang. Null for nobody.</summary>
    public static Action? Waits { get; set; }

    /// <summary>Opens a file for writing, and makes it if it is missing; null with errno set where that cannot be.</summary>
    public static FileLock? Open(string path, ByteRange bytes = default)
    {
        int flags = LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK;
        int descriptor = LibcNative.open(path, flags, OwnerOnly);
        return descriptor < 0 ? null : new FileLock(new SafeFileHandle(descriptor, ownsHandle: true), bytes, owns: true);
    }

    /// <summary>Takes the bytes for this description alone.</summary>
    /// <returns>False if another description holds one of them.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.NativeFailure"/>: the file system has no such locks.</exception>
    public bool TryTake()
    {
        bool taken = Set(Handle, LibcNative.F_WRLCK, _bytes);
        _taken |= taken;
        return taken;
    }

    /// <summary>Takes the bytes alone, trying again until the deadline: a lock of the kernel's own waiting could not be cancelled.</summary>
    /// <returns>False if the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Take(TimeSpan deadline, CancellationToken cancellationToken)
    {
        long start = Environment.TickCount64;
        for (int wait = 1; !TryTake(); wait = Math.Min(wait * 2, 20))
        {
            if (Environment.TickCount64 - start >= deadline.TotalMilliseconds)
                return false;
            Waits?.Invoke();
            if (cancellationToken.WaitHandle.WaitOne(wait))
                cancellationToken.ThrowIfCancellationRequested();
        }

        return true;
    }

    /// <summary>Shares the first so many of its bytes, and gives back the rest.</summary>
    /// <param name="length">At least 1, at most what it was made for.</param>
    /// <returns>False if another description holds one of them alone; then nothing has changed.</returns>
    public bool TryShareFirst(long length)
    {
        if (!Set(Handle, LibcNative.F_RDLCK, _bytes with { Length = length }))
            return false;
        _taken = true;
        if (length < _bytes.Length)
            Set(Handle, LibcNative.F_UNLCK, new ByteRange(_bytes.Start + length, _bytes.Length - length));
        return true;
    }

    /// <summary>Gives the bytes back, also where a mapping or a process that is just being started has the description still.</summary>
    public void GiveBack()
    {
        if (_taken && !Handle.IsClosed)
            Set(Handle, LibcNative.F_UNLCK, _bytes);
        _taken = false;
    }

    /// <summary>Gives the bytes back and closes a descriptor of its own.</summary>
    public void Dispose()
    {
        GiveBack();
        if (_owns)
            Handle.Dispose();
    }

    /// <summary>Whether another description holds one of the bytes; a descriptor open for reading suffices.</summary>
    /// <param name="file">Any descriptor of the file.</param>
    /// <param name="bytes">Which.</param>
    /// <param name="held">One run of bytes that is held.</param>
    /// <param name="alone">Whether only locks count that exclude others, which none can hold who may not write the file.</param>
    public static bool IsHeld(SafeFileHandle file, ByteRange bytes, out ByteRange held, bool alone = false)
    {
        var request = new file_lock
        {
            l_type = alone ? LibcNative.F_RDLCK : LibcNative.F_WRLCK,
            l_start = bytes.Start,
            l_len = bytes.Length,
        };
        if (LibcNative.fcntl(file, LibcNative.F_OFD_GETLK, ref request) != 0)
            throw Failed();
        held = new ByteRange(request.l_start, request.l_len);
        return request.l_type != LibcNative.F_UNLCK;
    }

    private static bool Set(SafeFileHandle file, short type, ByteRange bytes)
    {
        var request = new file_lock { l_type = type, l_start = bytes.Start, l_len = bytes.Length };
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

    private static VaiEngineException Failed() => new(
        VaiError.NativeFailure,
        $"The file system has no open-file-description locks ({Marshal.GetLastPInvokeErrorMessage()}). "
        + "Put the ROM directory on a local file system.");
}
