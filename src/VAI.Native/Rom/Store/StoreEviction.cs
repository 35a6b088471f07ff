using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Rom;

/// <summary>What an eviction came to.</summary>
/// <param name="Bytes">Bytes that are free again; 0 where other names keep the image.</param>
/// <param name="KeptFor">Another name of the same image; null if it is gone.</param>
internal sealed record RomEvicted(long Bytes, string? KeptFor);

/// <summary>Takes names away, and images with their last ones.</summary>
internal sealed class StoreEviction(RomStore store)
{
    private const int PollMs = 50;
    private const uint OwnerWrites = 0b_010_000_000;

    /// <summary>Takes a name away, and the image with its last one.</summary>
    /// <param name="name">The name.</param>
    /// <param name="force">Whether to wait, while processes are attached, until none is; new ones are refused meanwhile.</param>
    /// <param name="waiting">Told the number of leases that are waited for.</param>
    /// <param name="cancellationToken">Stops the waiting; the ROM stays.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.RomInUse"/>, <see cref="VaiError.RomNotBurned"/>, or the directory cannot be written.
    /// </exception>
    public RomEvicted Run(string name, bool force, Action<int>? waiting, CancellationToken cancellationToken)
    {
        store.Directory.CheckWritable();
        store.Named(name);
        (RegistryEntry entry, SafeFileHandle? image, string? other) = Begin(name, cancellationToken);
        if (other is not null)
            return new RomEvicted(0, other);
        if (image is null)
            return End(entry);

        // What a lock of this says is: an eviction is going on. It ends with the process.
        using var evictor = new FileLock(image, RomLocks.Evictor, owns: true);
        using var alone = new FileLock(image, RomLocks.Leases);
        try
        {
            Announce(entry, evictor);
            while (!alone.TryTake())
            {
                int left = Math.Max(1, RomUsers.Count(image).Leases);
                if (!force)
                    throw InUse(name, left);

                waiting?.Invoke(left);
                if (cancellationToken.WaitHandle.WaitOne(PollMs))
                    cancellationToken.ThrowIfCancellationRequested();
            }

            // SYNC POINT with StoreLeases: nobody has a lease, and whoever comes for one is refused until the path is gone.
            return End(entry);
        }
        catch
        {
            Undo(entry);
            throw;
        }
    }

    /// <summary>Opens an image so that it can be held alone; null if there is none. By the one writer.</summary>
    /// <remarks>Its mode lets nobody write it, and a lock that excludes takes a descriptor that could: for a moment its owner may.</remarks>
    internal static SafeFileHandle? OpenForRemoval(string path)
    {
        const int Flags = LibcNative.O_CLOEXEC | LibcNative.O_NONBLOCK;
        int descriptor = LibcNative.open(path, LibcNative.O_RDWR | LibcNative.O_NOFOLLOW | Flags);
        if (descriptor < 0 && Marshal.GetLastPInvokeError() == LibcNative.EACCES)
        {
            using SafeFileHandle? readable = Open(path, LibcNative.O_RDONLY | LibcNative.O_NOFOLLOW | Flags);
            if (readable is null
                || !LibcNative.Status(readable, out statx_result status))
            {
                return null;
            }

            uint mode = status.stx_mode & 0xFFFu;
            if (LibcNative.fchmod(readable, mode | OwnerWrites) != 0)
                throw NotWritable(path);
            descriptor = LibcNative.open(path, LibcNative.O_RDWR | LibcNative.O_NOFOLLOW | Flags);
            int error = Marshal.GetLastPInvokeError();
            _ = LibcNative.fchmod(readable, mode);
            Marshal.SetLastPInvokeError(error);
        }

        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true)
            : Marshal.GetLastPInvokeError() == LibcNative.ENOENT ? null : throw NotWritable(path);
    }

    private static SafeFileHandle? Open(string path, int flags)
    {
        int descriptor = LibcNative.open(path, flags);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    // The image to be evicted, or the other name that keeps it.
    private (RegistryEntry Entry, SafeFileHandle? Image, string? KeptFor) Begin(string name, CancellationToken cancellationToken)
    {
        using RegistryWriter writer = store.Registry.BeginWrite(RomStore.WriteDeadline, cancellationToken);
        if (writer.Find(name, out RegistryEntry entry) is not { } slot)
            throw store.Unknown(name);
        if (StoreRepair.IsGoingOn(store.Directory, entry))
            throw Busy(entry);
        if (OtherName(slot, entry) is { } other)
        {
            writer.Remove(slot);
            return (entry, null, other);
        }

        return (entry, OpenForRemoval(store.Directory.ImagePath(entry.RomId)), null);
    }

    private void Announce(in RegistryEntry entry, FileLock evictor)
    {
        using RegistryWriter writer = store.BeginWrite();
        if (!evictor.TryTake())
            throw RomUsers.IsEvicted(evictor.Handle) ? Busy(entry) : InUse(entry.Name, 1);
        if (Find(writer, entry, out RegistryEntry now) is { } slot)
            writer.Put(slot, now with { State = RomState.Evicting, Owner = ProcessIdentity.Current });
    }

    private RomEvicted End(in RegistryEntry entry)
    {
        using RegistryWriter writer = store.BeginWrite();
        EntrySlot? slot = Find(writer, entry, out _);

        // It may have got another name while this waited.
        if (OtherName(slot, entry) is { } other)
        {
            if (slot is { } one)
                writer.Remove(one);
            return new RomEvicted(0, other);
        }

        string image = store.Directory.ImagePath(entry.RomId);
        _ = LibcNative.unlink(image);
        _ = LibcNative.unlink(RomDirectory.VocabularyPath(image));
        if (slot is { } last)
            writer.Remove(last);
        return new RomEvicted(entry.Bytes, null);
    }

    private void Undo(in RegistryEntry entry)
    {
        using RegistryWriter writer = store.BeginWrite();
        if (Find(writer, entry, out RegistryEntry now) is { } slot && now.State == RomState.Evicting)
            writer.Put(slot, now with { State = RomState.Ready, Owner = entry.Owner });
    }

    // Others change its counts meanwhile; what it is must be the same.
    private static EntrySlot? Find(RegistryWriter writer, RegistryEntry entry, out RegistryEntry now) =>
        writer.Find(entry.Name, out now) is { } slot && now.RomId == entry.RomId ? slot : null;

    private string? OtherName(EntrySlot? but, RegistryEntry entry)
    {
        foreach ((EntrySlot slot, RegistryEntry other) in store.Registry.ReadAll())
        {
            if (slot.Index != but?.Index && other.RomId == entry.RomId)
                return other.Name;
        }

        return null;
    }

    private VaiUsageException Busy(in RegistryEntry entry) => new(
        VaiError.RomInUse, $"'{entry.Name}' is being burned or evicted by process {entry.OwnerPid}. Wait for it.");

    private static VaiUsageException InUse(string name, int leases) => new(
        VaiError.RomInUse, $"'{name}' has {leases} process(es) attached. Unload it there first, or evict with --force, which waits for them.");

    private static VaiUsageException NotWritable(string path) => new(
        VaiError.FileNotWritable, $"{path}: cannot be opened to be removed ({Marshal.GetLastPInvokeErrorMessage()}). Check who owns it.");
}
