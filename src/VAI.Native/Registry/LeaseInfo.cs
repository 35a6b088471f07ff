namespace VAI.Native.Registry;

/// <summary>A snapshot of one lease.</summary>
/// <param name="Index">Its place in the table.</param>
/// <param name="Owner">The process that took it.</param>
/// <param name="RomKey">First 16 bytes of the ROM's digest, as stored.</param>
/// <param name="Sessions">Open sessions.</param>
/// <param name="Tokens">Tokens that are not yet in the registry's total.</param>
/// <param name="TakenAtUnixMs">When it was taken.</param>
/// <param name="IsLive">Whether its owner holds it still; if not, it waits to be swept.</param>
internal readonly record struct LeaseInfo(
    int Index, ProcessIdentity Owner, UInt128 RomKey, int Sessions, long Tokens, long TakenAtUnixMs, bool IsLive);
