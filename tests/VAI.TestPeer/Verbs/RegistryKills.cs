using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>registry-kills DIR COUNT SEED</c>: as many writers, each writing <see cref="EntryPattern"/>s in a loop into the first
/// <see cref="Entries"/> entries until it is killed. Prints <c>ready</c> when these have one, and at the end how many writers
/// left a slot half-written.
/// </summary>
internal static class RegistryKills
{
    public const int Entries = 4;
    private const int LongestMicroseconds = 2000;
    private const int PutsPerWriter = 256;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    public static int Run(string directory, int kills, int seed)
    {
        using var registry = RomRegistry.Open(directory);
        for (int round = 0; round < 100; round++)
            Write(registry, 0);
        Console.WriteLine("ready");

        int halfWritten = 0;
        using TableFile file = TableFile.TryOpen(directory, RegistryLayout.Shape, writable: false)!;
        bool killed = Zygote.Kill(kills, seed, LongestMicroseconds, WriteForEver, CountHalfWritten);
        // The lock must have gone with the last of them.
        Write(registry, kills);
        Console.WriteLine(halfWritten);
        return killed ? ExitCodes.Done : ExitCodes.CheckFailed;

        void WriteForEver(int writer, Action begun)
        {
            // With the first one come the pages that a fork copies.
            Write(registry, writer);
            begun();
            while (true)
                Write(registry, writer);
        }

        unsafe void CountHalfWritten(int writer)
        {
            using Segment.Access access = file.Map.Enter();
            bool whole = true;
            for (int i = 0; i < Entries; i++)
                whole &= new EntryCell(access.Start, i).IsNextSlotWhole();
            halfWritten += whole ? 0 : 1;
        }
    }

    private static void Write(RomRegistry registry, int writer)
    {
        using RegistryWriter put = registry.BeginWrite(Deadline, CancellationToken.None);
        for (int i = 0; i < PutsPerWriter; i++)
        {
            EntryPattern.Fill(out RegistryEntry entry, ((long)writer << 32) + i);
            put.Put(put.SlotAt(i % Entries), entry);
        }
    }
}
