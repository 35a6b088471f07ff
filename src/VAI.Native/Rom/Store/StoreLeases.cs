using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Rom;

/// <summary>An image in use: its file, and the lease that keeps it from being evicted.</summary>
internal sealed record RomHold(RomFile File, Lease Lease, RegistryEntry Entry) : IDisposable
{
    public void Dispose()
    {
        Lease.Dispose();
        File.Dispose();
    }
}

/// <summary>Takes leases on images.</summary>
internal sealed class StoreLeases(RomStore store)
{
    private const int PollMs = 50;
    private static readonly TimeSpan NoteDeadline = TimeSpan.FromMilliseconds(100);

    /// <summary>Takes a lease on an image and opens it. Waits for a burn that is going on.</summary>
    /// <param name="entry">From <see cref="RomStore.Find"/>.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <exception cref="VaiException">
    /// <see cref="VaiError.RomNotBurned"/>, <see cref="VaiError.RomBurning"/>, <see cref="VaiError.RomMismatch"/>,
    /// <see cref="VaiError.RomTooNew"/>, <see cref="VaiError.RomDamaged"/>, <see cref="VaiError.RomTruncated"/>.
    /// </exception>
    public RomHold Hold(RegistryEntry entry, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (entry.State == RomState.Burning)
            WaitForBurn(entry, deadline, cancellationToken);
        while (true)
        {
            if (TryHold(entry) is { } hold)
                return hold;
        }
    }

    /// <summary>Notes what the last load from an image took. Best effort: nothing depends on it.</summary>
    public void Note(RomHold hold, TimeSpan time)
    {
        if (store.Leases is not { } leases)
            return;
        try
        {
            using RegistryWriter writer = store.Registry.BeginWrite(NoteDeadline, CancellationToken.None);
            leases.Sweep(writer);
            if (writer.Find(hold.Entry.Name, out RegistryEntry entry) is not { } slot || entry.RomId != hold.Entry.RomId)
                return;
            entry.LoadMicroseconds = (long)time.TotalMicroseconds;
            writer.Put(slot, entry);
        }
        catch (VaiEngineException)
        {
        }
    }

    // Null if another image has come to the path, or none: then it is to be looked at again, or is not there.
    private RomHold? TryHold(in RegistryEntry entry)
    {
        string path = store.Directory.ImagePath(entry.RomId);
        var file = RomFile.Open(path);
        Lease? lease = null;
        try
        {
            file.CheckBuild();
            lease = Take(file, entry);

            // SYNC POINT with StoreEviction, which holds all leases' bytes alone when it unlinks the path: whoever has a lease and
            // finds its image at the path keeps it there.
            if (lease is not null && !RomUsers.IsEvicted(file.Handle))
            {
                if (FilePlace.IsAt(file.Handle, path))
                    return new RomHold(file, lease, entry);
                lease.Dispose();
                file.Dispose();
                return null;
            }

            throw new VaiUsageException(VaiError.RomNotBurned, $"'{entry.Name}' is being evicted. Burn it again when that is done.");
        }
        catch
        {
            lease?.Dispose();
            file.Dispose();
            throw;
        }
    }

    private Lease? Take(RomFile file, RegistryEntry entry)
    {
        try
        {
            return Lease.TryTake(file.Handle, () => Tally(entry, file.Header.ImageDigest));
        }
        catch (VaiEngineException e) when (e.Code == VaiError.NativeFailure && store.Directory.NotShared is not null)
        {
            // No locks: nothing is evicted there either.
            return Lease.Unlocked();
        }
    }

    // Counts of the dead are freed by whoever sweeps next. Without a place to count in a lease is as good.
    private LeaseTally? Tally(in RegistryEntry entry, byte[] digest)
    {
        if (store.Leases is not { } leases)
            return null;
        ulong name = LeaseTable.KeyOf(entry.Name);
        try
        {
            return leases.Take(digest, name);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryFull)
        {
        }

        try
        {
            using (RegistryWriter writer = store.Registry.BeginWrite(NoteDeadline, CancellationToken.None))
                leases.Sweep(writer);
            return leases.Take(digest, name);
        }
        catch (VaiEngineException)
        {
            return null;
        }
    }

    private void WaitForBurn(in RegistryEntry entry, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (store.Directory.CanWrite)
        {
            // Whoever gets the burner's lock finds the image published, or the burn dead.
            RomDraft.Take(store.Directory, entry.RomId, deadline, () => { }, cancellationToken)?.Dispose();
            RomDraft.Sweep(store.Directory);
            return;
        }

        // Who may not write there cannot ask for the lock: the image shows that it is done, and the registry that it ended otherwise.
        string id = entry.RomId, image = store.Directory.ImagePath(id);
        long start = Environment.TickCount64;
        while (!File.Exists(image) && store.Registry.ReadAll().Any(e => e.Entry.RomId == id && e.Entry.State == RomState.Burning))
        {
            if (Environment.TickCount64 - start >= deadline.TotalMilliseconds)
            {
                throw new VaiEngineException(
                    VaiError.RomBurning,
                    $"{image}: is being burned by the directory's owner, and {deadline.TotalSeconds:F0} s have passed. Wait longer, or ask whether the burn goes on.");
            }

            if (cancellationToken.WaitHandle.WaitOne(PollMs))
                cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
