using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Daemon.Hosting.Sockets;

/// <summary>
/// A directory that the daemon makes anew with each start, and so must empty: only what VAI made itself, which a marker in it says, and only
/// entries of its own. Anything else is somebody's data, and an error of the start.
/// </summary>
internal static class MadeDirectory
{
    /// <summary>The file that says so; made with O_EXCL, in an empty directory.</summary>
    public const string Marker = ".made-by-vai";

    private const uint MarkerMode = 0b_100_000_000;

    /// <summary>Makes the directory, or empties the one that is there.</summary>
    /// <param name="path">Where.</param>
    /// <param name="key">The option that it comes from, for messages.</param>
    /// <param name="isOurs">Whether an entry is one of VAI's: its path below the directory, with its kind.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.InvalidOption"/>: it is no private directory of this user, or holds what VAI did not make. Nothing was deleted.
    /// </exception>
    public static void Renew(string path, string key, Func<string, EntryKind, bool> isOurs)
    {
        if (Entry.KindOf(path) is not (EntryKind.None or EntryKind.Directory))
            throw Refused(path, key, "is no directory");
        PrivateDirectory.Ensure(path, key);
        if (Foreign(path, isOurs, IsMarked(path)) is { } foreign)
            throw Refused(path, key, $"holds {foreign}, which VAI did not make");
        Empty(path);
        if (!IsMarked(path))
            Mark(path, key);
    }

    /// <summary>
    /// Makes it again where somebody took it away while it was used, or marks what engine processes have made in its place meanwhile. Nothing is deleted.
    /// </summary>
    /// <inheritdoc cref="Renew" path="/param"/>
    /// <inheritdoc cref="Renew" path="/exception"/>
    public static void Claim(string path, string key, Func<string, EntryKind, bool> isOurs)
    {
        PrivateDirectory.Ensure(path, key);
        if (IsMarked(path))
            return;
        if (Foreign(path, isOurs, marked: true) is { } foreign)
            throw Refused(path, key, $"holds {foreign}, which VAI did not make");
        Mark(path, key);
    }

    /// <summary>Removes it with all that is VAI's; what else is there stays, and the directory with it.</summary>
    public static void Remove(string path, Func<string, EntryKind, bool> isOurs)
    {
        if (Entry.KindOf(path) != EntryKind.Directory || Foreign(path, isOurs, IsMarked(path)) is not null)
            return;
        Empty(path);
        File.Delete(Path.Combine(path, Marker));
        Directory.Delete(path);
    }

    private static bool IsMarked(string path) => Entry.KindOf(Path.Combine(path, Marker)) == EntryKind.File;

    private static string? Foreign(string path, Func<string, EntryKind, bool> isOurs, bool marked)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(path, "*", Below))
        {
            string name = Path.GetRelativePath(path, entry);
            EntryKind kind = Entry.KindOf(entry);

            // Sockets hold nothing: those of a daemon that did not mark its directories yet may go.
            if (name != Marker && (!isOurs(name, kind) || !(marked || kind == EntryKind.Socket)))
                return entry;
        }

        return null;
    }

    // All but the marker: killed in between, it leaves a directory that the next start knows for its own.
    private static void Empty(string path)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(path))
        {
            EntryKind kind = Entry.KindOf(entry);
            if (kind == EntryKind.Directory)
                Directory.Delete(entry, recursive: true);
            else if (kind != EntryKind.File || Path.GetFileName(entry) != Marker)
                File.Delete(entry);
        }
    }

    private static void Mark(string path, string key)
    {
        int flags = LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_EXCL | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW;
        int descriptor = LibcNative.open(Path.Combine(path, Marker), flags, MarkerMode);
        if (descriptor < 0)
            throw Refused(path, key, $"cannot be marked ({Marshal.GetLastPInvokeErrorMessage()})");
        new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
    }

    // Links are entries like others: they are not followed.
    private static EnumerationOptions Below { get; } = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
    };

    private static VaiUsageException Refused(string path, string key, string what) => new(
        VaiError.InvalidOption, $"{key}: the directory {path} {what}. Nothing was deleted: move it away, or give another path.");
}

/// <summary>What stands at a path, links not followed.</summary>
internal enum EntryKind
{
    None,
    File,
    Directory,
    Socket,
    Other,
}

/// <summary>Looks at paths.</summary>
internal static class Entry
{
    private const int SocketType = 0xC000;

    public static EntryKind KindOf(string path)
    {
        // The working directory, of which an absolute path makes no use.
        using var cwd = new SafeFileHandle(LibcNative.AT_FDCWD, ownsHandle: false);
        if (LibcNative.statx(cwd, path, LibcNative.AT_SYMLINK_NOFOLLOW, LibcNative.STATX_BASIC_STATS, out statx_result status) != 0)
            return Marshal.GetLastPInvokeError() is LibcNative.ENOENT or LibcNative.ENOTDIR ? EntryKind.None : EntryKind.Other;
        return (status.stx_mode & LibcNative.S_IFMT) switch
        {
            LibcNative.S_IFREG => EntryKind.File,
            LibcNative.S_IFDIR => EntryKind.Directory,
            SocketType => EntryKind.Socket,
            _ => EntryKind.Other,
        };
    }
}
