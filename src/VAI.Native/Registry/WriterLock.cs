using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>The writer's election: whoever holds the lock of <c>registry.lock</c>. The kernel drops it with the process.</summary>
/// <remarks>A file of its own, so that closing a descriptor of the registry cannot drop it.</remarks>
internal static class WriterLock
{
    public const string FileName = "registry.lock";

    /// <summary>Takes the lock.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="deadline">How long to try.</param>
    /// <param name="registry">Knows who wrote last, for the message.</param>
    /// <param name="cancellationToken">Ends the trying.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryBusy"/>: the deadline passed.</exception>
    public static LockFile Take(string directory, TimeSpan deadline, RomRegistry? registry, CancellationToken cancellationToken)
    {
        string path = Path.Combine(directory, FileName);
        LockFile file = LockFile.Open(path) ?? throw RegistryErrors.FromErrno(path, "opened for writing");
        try
        {
            return file.Take(deadline, cancellationToken)
                ? file
                : throw RegistryErrors.Busy(path, deadline, registry?.LastWriter ?? default);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
