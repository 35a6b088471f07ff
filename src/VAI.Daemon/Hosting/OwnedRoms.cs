using VAI.Daemon.Supervision.Engines;
using VAI.Native.Memory;
using VAI.Native.Rom;

namespace VAI.Daemon.Hosting;

/// <summary>A ROM directory that is this daemon's alone, with the place in it for copies of KV.</summary>
internal sealed class OwnedRoms : IDisposable
{
    private FileLock _lock;

    private OwnedRoms(string path, FileLock taken) => (Path, _lock, Estate) = (path, taken, new KvEstate(System.IO.Path.Combine(path, KvEstate.DirectoryName)));

    public string Path { get; }

    public KvEstate Estate { get; }

    private bool IsOwn => FilePlace.IsAt(_lock.Handle, LockOf(Path));

    /// <summary>Makes the directory if it is missing, and takes it.</summary>
    /// <param name="option">As <see cref="VaiOptions.RomDirectory"/>.</param>
    /// <exception cref="VaiUsageException">It cannot be used, or another daemon has it.</exception>
    public static OwnedRoms Take(string? option)
    {
        string path = RomDirectory.Open(option, create: true)!.Path;
        var roms = new OwnedRoms(path, TakeLock(path));
        try
        {
            roms.Estate.Clear();
            return roms;
        }
        catch
        {
            roms._lock.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Sees to it that it is this daemon's still. Where somebody took it away, engine processes make it again without what says whose it is: another daemon
    /// would take it too, and the next start refuse what it finds there.
    /// </summary>
    /// <returns>False if it was not, and is again.</returns>
    /// <exception cref="VaiUsageException">It cannot be had again: another daemon has it, or it cannot be made.</exception>
    public bool Hold()
    {
        if (IsOwn)
            return true;
        RomDirectory.Open(Path, create: true);
        FileLock taken = TakeLock(Path), lost = _lock;
        try
        {
            Estate.Claim();
        }
        catch
        {
            taken.Dispose();
            throw;
        }

        _lock = taken;
        lost.Dispose();
        return false;
    }

    public void Dispose()
    {
        // What another daemon keeps there is that one's.
        if (IsOwn)
            Estate.Dispose();
        _lock.Dispose();
    }

    private static string LockOf(string path) => System.IO.Path.Combine(path, DaemonLock.FileName);

    private static FileLock TakeLock(string path) => DaemonLock.Take(
        LockOf(path), $"The ROM directory {path}", "Use that one, stop it first, or give this one another directory (--rom-dir).");
}
