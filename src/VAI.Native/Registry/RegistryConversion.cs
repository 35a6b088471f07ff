using VAI.Native.Interop;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Registry;

/// <summary>From layout 1 to this one, in place: its entries are of one size and its new field was room that was zero.</summary>
/// <remarks>
/// Processes of the older VAI tell by ids who lives, and hold their leases as locks on the table of leases: while one is held nothing
/// is converted. Their table, which a directory's group could write, goes with what it had counted.
/// </remarks>
internal static class RegistryConversion
{
    private const uint Older = 1;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    /// <summary>Converts, unless another process has.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryTooOld"/>: processes of the older VAI hold leases.</exception>
    public static void Run(string directory)
    {
        try
        {
            Convert(directory);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RomTooNew)
        {
            // Another process converted it between the two looks; what is opened next is judged again.
        }
    }

    private static void Convert(string directory)
    {
        using RomRegistry? registry = RomRegistry.TryOpen(directory, RegistryLayout.Shape with { Version = Older });
        if (registry is null)
            return;
        using LeaseTable? leases = OpenLeases(directory);
        using RegistryWriter writer = registry.BeginWrite(Deadline, CancellationToken.None);
        if (leases is not null)
        {
            if (leases.IsInUse)
                throw RegistryErrors.OldInUse(registry.Path);
            leases.Sweep(writer);
        }

        _ = LibcNative.unlink(Path.Combine(directory, LeaseLayout.FileName));
        registry.SetVersion(RegistryLayout.Version);
    }

    // One that is missing or damaged has nothing to add. A new one is here already where a conversion was killed before its last step.
    private static LeaseTable? OpenLeases(string directory)
    {
        try
        {
            return LeaseTable.TryOpen(directory, LeaseLayout.Shape with { Version = Older });
        }
        catch (VaiEngineException e) when (e.Code is VaiError.RegistryDamaged or VaiError.RomTooNew)
        {
            return null;
        }
    }
}
