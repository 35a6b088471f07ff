using VAI.Native.Registry;
using VAI.Native.Registry.Leases;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>registry-create-kills DIR COUNT SEED</c>: as many makers of a registry and a lease table, each killed in a directory of
/// its own. What is there must open or be absent, and the next opener must get a whole one. Prints how many makers were
/// killed before they had finished.
/// </summary>
internal static class RegistryCreateKills
{
    private const int LongestMicroseconds = 3000;

    public static int Run(string directory, int kills, int seed)
    {
        string[] directories = [.. Enumerable.Range(0, kills + 1).Select(i => Path.Combine(directory, $"{i}"))];
        foreach (string each in directories)
            Directory.CreateDirectory(each);
        Make(directories[kills]);
        int unfinished = 0;
        bool killed = Zygote.Kill(kills, seed, LongestMicroseconds, Create, _ => { });
        foreach (string each in directories)
        {
            using RomRegistry? registry = RomRegistry.TryOpen(each);
            using LeaseTable? leases = LeaseTable.TryOpen(each);
            unfinished += registry is null || leases is null ? 1 : 0;
            Make(each);
        }

        Console.WriteLine(unfinished);
        return killed ? ExitCodes.Done : ExitCodes.CheckFailed;

        void Create(int creator, Action begun)
        {
            begun();
            Make(directories[creator]);
        }
    }

    private static void Make(string directory)
    {
        using var registry = RomRegistry.Open(directory);
        using var leases = LeaseTable.Open(directory);
        if (registry.ReadAll().Count + leases.ReadAll().Count != 0)
            throw new InvalidOperationException("a new table is not empty");
    }
}
