using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer;

internal static class StoreUsers
{
    /// <summary>Leases on an image, and their open sessions, of whichever user.</summary>
    public static (int Leases, int Sessions) Users(this RomStore store, in RegistryEntry entry) => RomUsers.Count(store.Directory.ImagePath(entry.RomId));
}
