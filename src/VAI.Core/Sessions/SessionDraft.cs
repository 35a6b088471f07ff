using System.Globalization;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Sessions;

/// <summary>
/// A private file that is written under a name of its own, and has the right one when it is whole. Its writer holds a lock on it: one that nobody
/// holds is what a process that was killed has left, as large as a session, and goes with the next for the same path.
/// </summary>
internal sealed class SessionDraft : IDisposable
{
    private const string Suffix = ".tmp";
    private const int GuidLength = 32;

    private readonly string _path;
    private readonly string _temporary;
    private readonly FileLock? _lock;
    private bool _published;

    private SessionDraft(string path, string temporary, FileStream stream, FileLock? held) =>
        (_path, _temporary, Stream, _lock) = (path, temporary, stream, held);

    /// <summary>What it is written by.</summary>
    public FileStream Stream { get; }

    /// <summary>Begins one.</summary>
    /// <param name="path">What it is to be.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static SessionDraft Begin(string path)
    {
        path = Path.GetFullPath(path);

        // A rename would put a file in the place of a device or a pipe: /dev/null of the whole machine, where root saves.
        if (OperatingSystem.IsLinux() && FilePlace.IsSpecial(path))
            throw new IOException("there is something that is no regular file.");
        if (Path.GetDirectoryName(path) is { } directory)
            Sweep(directory, Path.GetFileName(path));
        while (true)
        {
            string temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}{Suffix}");
            FileStream stream = SessionFile.NewPrivate(temporary);
            FileLock? held = TryHold(stream.SafeFileHandle);

            // Before it was held somebody may have taken it for the dead's.
            if (held is null || FilePlace.IsAt(held.Handle, temporary))
                return new SessionDraft(path, temporary, stream, held);
            stream.Dispose();
        }
    }

    /// <summary>Gives it its name, at once or not at all, while it is still held.</summary>
    /// <param name="overwrite">Whether what has the name is replaced; otherwise that is an error.</param>
    /// <exception cref="IOException">It could not be written, or named.</exception>
    public void Publish(bool overwrite = true)
    {
        Stream.Flush(flushToDisk: true);

        // Windows renames no file that is open.
        if (!OperatingSystem.IsLinux())
            Stream.Dispose();
        File.Move(_temporary, _path, overwrite);
        _published = true;
    }

    /// <summary>Deletes in a directory what nobody writes any more.</summary>
    /// <param name="directory">Which.</param>
    /// <param name="name">Of drafts of this file alone; null for all.</param>
    public static void Sweep(string directory, string? name = null)
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            foreach (string path in Directory.EnumerateFiles(directory, "*" + Suffix).Where(f => IsDraft(Path.GetFileName(f), name)))
                Remove(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or VaiException)
        {
            // Left for another time: it keeps nothing from being saved.
        }
    }

    public void Dispose()
    {
        if (!_published)
            Try(() => File.Delete(_temporary));
        _lock?.Dispose();
        Try(Stream.Dispose);

        // What is whole was written out before: this is of one that was not published, and why it was not is more to the point.
        static void Try(Action end)
        {
            try
            {
                end();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }
        }
    }

    // Null where the file system has no such locks: nothing is swept there either.
    private static FileLock? TryHold(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            var held = new FileLock(file, ByteRange.All);
            return held.TryTake() ? held : null;
        }
        catch (VaiEngineException)
        {
            return null;
        }
    }

    // NAME.PID.GUID.tmp
    private static bool IsDraft(string file, string? name)
    {
        int guid = file.Length - Suffix.Length - GuidLength;
        int pid = guid < 2 ? -1 : file.LastIndexOf('.', guid - 2);
        return pid > 0
            && file[guid - 1] == '.'
            && Guid.TryParseExact(file.AsSpan(guid, GuidLength), "N", out _)
            && int.TryParse(file.AsSpan(pid + 1, guid - pid - 2), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && (name is null || file.AsSpan(0, pid).SequenceEqual(name));
    }

    private static void Remove(string path)
    {
        int descriptor = LibcNative.open(path, LibcNative.O_RDWR | LibcNative.O_NOFOLLOW | LibcNative.O_CLOEXEC | LibcNative.O_NONBLOCK);
        if (descriptor < 0)
            return;
        using var file = new FileLock(new SafeFileHandle(descriptor, ownsHandle: true), ByteRange.All, owns: true);
        if (file.TryTake() && FilePlace.IsAt(file.Handle, path))
            File.Delete(path);
    }
}
