using System.Globalization;
using VAI.Native.Memory;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-burn-refused FILE DIR NAME</c>: burns in a process that the kernel gives no huge pages (prctl(2), <c>PR_SET_THP_DISABLE</c>). Prints
/// whether it is given any, the image's digest, and which part of it is in huge pages.
/// </summary>
internal static class RomBurnRefused
{
    public static int Run(string file, string directory, string name)
    {
        if (Libc.prctl(Libc.PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
            throw new InvalidOperationException("prctl failed");
        using var store = RomStore.Open(directory);
        (RegistryEntry entry, _) = store.Burn(
            new RomBurnRequest(file, name, RomProfile.Fast, TimeSpan.FromMinutes(1)), rename: false, null, CancellationToken.None);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{HugePages.AreGiven()} {Convert.ToHexStringLower(entry.Digest)} {RomUse.Of(store.Directory.ImagePath(entry.RomId), inMemory: true).HugePages}"));
        return ExitCodes.Done;
    }
}
