using VAI.Daemon.Hosting.Sockets;
using VAI.Native.Memory;

namespace VAI.Daemon.Api;

/// <summary>
/// A directory for the sessions that are on their way from or to a client, in one that several daemons may save sessions in. Whose it is holds a lock in it: one
/// that nobody holds is what a daemon that was killed has left, and goes with the next start.
/// </summary>
internal sealed class PassingPlace : IDisposable
{
    private const string Prefix = ".passing-";
    private const string LockName = "lock";

    private readonly FileLock? _lock;

    private PassingPlace(string path, FileLock? held) => (Path, _lock) = (path, held);

    public string Path { get; }

    /// <summary>Makes one, and removes those of the dead.</summary>
    /// <param name="directory">Where sessions are saved.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static PassingPlace Make(string directory)
    {
        Sweep(directory);
        while (true)
        {
            string path = System.IO.Path.Combine(directory, $"{Prefix}{Guid.NewGuid():N}");
            PrivateDirectory.Ensure(path, "sessionsDir");
            if (Hold(path, out FileLock? held))
                return new PassingPlace(path, held);
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
        _lock?.Dispose();
    }

    // False where somebody has taken it for a dead one's before it was held.
    private static bool Hold(string path, out FileLock? held)
    {
        string at = System.IO.Path.Combine(path, LockName);
        held = FileLock.Open(at);
        if (held is null)
            return Directory.Exists(path) ? throw new IOException($"{at} cannot be made") : false;
        try
        {
            if (held.TryTake() && FilePlace.IsAt(held.Handle, at))
                return true;
            held.Dispose();
            return false;
        }
        catch (VaiEngineException)
        {
            // No such locks: nothing is swept there either.
            held.Dispose();
            held = null;
            return true;
        }
    }

    private static void Sweep(string directory)
    {
        foreach (string left in Directory.EnumerateFileSystemEntries(directory, Prefix + "*"))
        {
            try
            {
                // Files are of a daemon that had no place for them yet.
                EntryKind kind = Entry.KindOf(left);
                if (kind == EntryKind.File)
                {
                    File.Delete(left);
                }
                else if (kind == EntryKind.Directory && Hold(left, out FileLock? held) && held is not null)
                {
                    using (held)
                        Directory.Delete(left, recursive: true);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Left for another time: it keeps nothing from being saved.
            }
        }
    }
}
