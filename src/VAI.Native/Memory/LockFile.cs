using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// A file of its own whose <see cref="FileLock"/> elects one holder, until it is disposed or its process ends. The file stays: to
/// remove it would let two hold it.
/// </summary>
internal sealed class LockFile : IDisposable
{
    private const uint OwnerOnly = 0b_110_000_000;

    private bool _taken;

    private LockFile(SafeFileHandle handle) => Handle = handle;

    public SafeFileHandle Handle { get; }

    /// <summary>Opens it, and makes it if it is missing; null with errno set where that cannot be.</summary>
    public static LockFile? Open(string path)
    {
        int flags = LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK;
        int descriptor = LibcNative.open(path, flags, OwnerOnly);
        return descriptor < 0 ? null : new LockFile(new SafeFileHandle(descriptor, ownsHandle: true));
    }

    /// <summary>As <see cref="FileLock.TryTake"/>, of all bytes.</summary>
    public bool TryTake() => _taken = FileLock.TryTake(Handle);

    /// <summary>As <see cref="FileLock.Take"/>.</summary>
    public bool Take(TimeSpan deadline, CancellationToken cancellationToken) => _taken = FileLock.Take(Handle, deadline, cancellationToken);

    /// <summary>Gives the lock back, also where a process that is just being started has a copy of the descriptor.</summary>
    public void Dispose()
    {
        if (Handle.IsClosed)
            return;
        if (_taken)
            FileLock.Release(Handle);
        Handle.Dispose();
    }
}
