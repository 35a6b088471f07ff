namespace VAI.Native.Registry.Leases;

/// <summary>A snapshot of one lease's counts.</summary>
/// <param name="Index">Its place in the table.</param>
/// <param name="Owner">The process that took it, as its own pid namespace calls it.</param>
/// <param name="RomKey">First 16 bytes of the ROM's digest, as stored.</param>
/// <param name="NameKey">Key of the name that the ROM was found by; see <see cref="LeaseTable.KeyOf"/>.</param>
/// <param name="Tokens">Tokens that are not yet in the registry's total.</param>
/// <param name="Devices">Where its owner has the weights besides the ROM.</param>
/// <param name="TakenAtUnixMs">When it was taken.</param>
/// <param name="IsLive">Whether its owner counts still; if not, it waits to be swept.</param>
internal readonly record struct LeaseInfo(
    int Index, ProcessIdentity Owner, UInt128 RomKey, ulong NameKey, long Tokens, DeviceSet Devices, long TakenAtUnixMs, bool IsLive);
