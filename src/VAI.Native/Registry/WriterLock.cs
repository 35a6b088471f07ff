using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>The writer's election: whoever holds the lock of <c>registry.lock</c>. The kernel drops it with the process.</summary>
/// <remarks>A file of its own, so that closing a descriptor of the registry cannot drop it.</remarks>
internal sealed class WriterLock : IDisposable
{
    public const string FileName = "registry.lock";
    private const uint OwnerOnly = 0x180; // 0600

    private readonly SafeFileHandle _file;

    private WriterLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes the lock.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="deadline">How long to try.</param>
    /// <param name="registry">Knows who wrote last, for the message.</param>
    /// <param name="cancellationToken">Ends the trying.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryBusy"/>: the deadline passed.</exception>
    public static WriterLock Take(string directory, TimeSpan deadline, RomRegistry? registry, CancellationToken cancellationToken)
    {
        string path = Path.Combine(directory, FileName);
        int flags = LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK;
        int descriptor = LibcNative.open(path, flags, OwnerOnly);
        if (descriptor < 0)
            throw RegistryErrors.FromErrno(path, "opened for writing");
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            return FileLock.Take(file, deadline, cancellationToken)
                ? new WriterLock(file)
                : throw RegistryErrors.Busy(path, deadline, registry?.LastWriter ?? default);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Gives the lock back, also where a process that is just being started has a copy of the descriptor.</summary>
    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        FileLock.Release(_file);
        _file.Dispose();
    }
}
