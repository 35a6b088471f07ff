using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>What the header of a table says.</summary>
internal readonly record struct TableShape(string FileName, ulong Magic, uint Version, int HeaderBytes, int Count, int ItemBytes)
{
    public long FileBytes => HeaderBytes + ((long)Count * ItemBytes);
}

/// <summary>The first bytes of a table.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TableHeader
{
    internal ulong Magic;
    internal uint Version;
    internal int HeaderBytes;
    internal int Count;
    internal int ItemBytes;
}

/// <summary>A file of fixed-size items behind a header, mapped shared: the registry and the leases are two.</summary>
internal sealed unsafe class TableFile : IDisposable
{
    private static readonly TimeSpan CreationDeadline = TimeSpan.FromSeconds(10);

    private TableFile(string path, SafeFileHandle file, Segment map, bool writable) =>
        (Path, File, Map, Writable) = (path, file, map, writable);

    public string Path { get; }

    public SafeFileHandle File { get; }

    public Segment Map { get; }

    public bool Writable { get; }

    /// <summary>Opens the table, and makes it first if there is none.</summary>
    public static TableFile OpenOrCreate(string directory, in TableShape shape, uint mode)
    {
        if (TryOpen(directory, shape, writable: true) is { } existing)
            return existing;
        // One creator at a time: the second would replace the table that the first has already mapped.
        using FileLock gate = RegistryWriter.Elect(directory, CreationDeadline, CancellationToken.None);
        return OpenOrCreate(directory, shape, mode, gate);
    }

    /// <summary>The same, by the one writer.</summary>
    public static TableFile OpenOrCreate(string directory, in TableShape shape, uint mode, FileLock gate)
    {
        ObjectDisposedException.ThrowIf(gate.Handle.IsClosed, gate);
        if (TryOpen(directory, shape, writable: true) is { } made)
            return made;
        Create(directory, shape, mode);
        return TryOpen(directory, shape, writable: true)
            ?? throw RegistryErrors.Damaged(System.IO.Path.Combine(directory, shape.FileName), "was deleted as soon as it was made");
    }

    /// <summary>The same; a damaged table is set aside and made anew.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="shape">Which table.</param>
    /// <param name="mode">Its permissions if it is made.</param>
    /// <param name="check">Throws <see cref="VaiError.RegistryDamaged"/> where an item cannot be read.</param>
    public static TableFile OpenRepaired(string directory, in TableShape shape, uint mode, Action<TableFile> check)
    {
        try
        {
            return Checked(OpenOrCreate(directory, shape, mode), check);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryDamaged)
        {
            // A second look by the one writer: whoever came first has made a new one, which is not to be thrown away.
            using FileLock gate = RegistryWriter.Elect(directory, CreationDeadline, CancellationToken.None);
            try
            {
                return Checked(OpenOrCreate(directory, shape, mode, gate), check);
            }
            catch (VaiEngineException again) when (again.Code == VaiError.RegistryDamaged)
            {
                string path = System.IO.Path.Combine(directory, shape.FileName);
                if (LibcNative.rename(path, path + ".damaged") != 0)
                    throw;
                return OpenOrCreate(directory, shape, mode, gate);
            }
        }
    }

    /// <summary>Opens the table; null if there is none.</summary>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RegistryDamaged"/>: it is not one; <see cref="VaiError.RomTooNew"/>: a newer VAI's;
    /// <see cref="VaiError.RegistryTooOld"/>: an older one's.
    /// </exception>
    public static TableFile? TryOpen(string directory, in TableShape shape, bool writable)
    {
        string path = System.IO.Path.Combine(directory, shape.FileName);
        // Not to wait on a pipe; not to follow a link out of the directory.
        int flags = LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK;
        int descriptor = LibcNative.open(path, flags | (writable ? LibcNative.O_RDWR : LibcNative.O_RDONLY));
        if (descriptor < 0)
            return Marshal.GetLastPInvokeError() == LibcNative.ENOENT ? null : throw RegistryErrors.FromErrno(path, "opened");

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            Check(path, file, shape);
            return new TableFile(path, file, Segment.Map(file, shape.FileBytes, writable), writable);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Map.Dispose();
        File.Dispose();
    }

    private static TableFile Checked(TableFile table, Action<TableFile> check)
    {
        try
        {
            check(table);
            return table;
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    private static void Check(string path, SafeFileHandle file, in TableShape shape)
    {
        if (!LibcNative.Status(file, out statx_result status))
            throw RegistryErrors.FromErrno(path, "opened");
        if ((status.stx_mode & LibcNative.S_IFMT) != LibcNative.S_IFREG)
            throw RegistryErrors.Damaged(path, "is not a regular file");

        TableHeader header = default;
        int read = RandomAccess.Read(file, MemoryMarshal.AsBytes(new Span<TableHeader>(ref header)), 0);
        if (read < sizeof(TableHeader) || header.Magic != shape.Magic)
            throw RegistryErrors.Damaged(path, "does not begin as VAI's file of that name does");
        // Before anything that a later layout may have changed.
        if (header.Version > shape.Version)
            throw RegistryErrors.TooNew(path, header.Version, shape.Version);
        if (header.Version > 0 && header.Version < shape.Version)
            throw RegistryErrors.TooOld(path, header.Version, shape.Version);
        bool known = (header.Version, header.HeaderBytes, header.Count, header.ItemBytes)
            == (shape.Version, shape.HeaderBytes, shape.Count, shape.ItemBytes);
        if (!known)
            throw RegistryErrors.Damaged(path, "has a header that contradicts itself");
        if (status.stx_size != shape.FileBytes)
            throw RegistryErrors.Damaged(path, $"is {status.stx_size} bytes long, and should be {shape.FileBytes}");
    }

    // Made under another name and renamed when it is whole: a creator that is killed leaves only that name, for the next to delete.
    private static void Create(string directory, in TableShape shape, uint mode)
    {
        string path = System.IO.Path.Combine(directory, shape.FileName), draft = path + ".new";
        _ = LibcNative.unlink(draft);
        int flags = LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_EXCL | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW;
        int descriptor = LibcNative.open(draft, flags, mode);
        if (descriptor < 0)
            throw RegistryErrors.FromErrno(draft, "made");
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        // Its pages are reserved now, since a store that finds no room later ends the process (SIGBUS); the umask is undone.
        if (LibcNative.fallocate(file, 0, 0, shape.FileBytes) != 0 || LibcNative.fchmod(file, mode) != 0)
            throw RegistryErrors.FromErrno(draft, "made");

        using (Segment map = Segment.Map(file, shape.FileBytes, writable: true))
        using (Segment.Access access = map.Enter())
        {
            var header = (TableHeader*)access.Start;
            (header->HeaderBytes, header->Count, header->ItemBytes) = (shape.HeaderBytes, shape.Count, shape.ItemBytes);
            Volatile.Write(ref header->Version, shape.Version);
            new SharedWord(&header->Magic).WriteRelease(shape.Magic);
        }

        // On a disk, so that the name does not reach it before the bytes.
        if (LibcNative.fsync(file) != 0 || LibcNative.rename(draft, path) != 0)
            throw RegistryErrors.FromErrno(draft, "made");
    }
}
