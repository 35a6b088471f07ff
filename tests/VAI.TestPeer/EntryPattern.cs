using System.Runtime.InteropServices;
using VAI.Native.Registry.Entries;

namespace VAI.TestPeer;

/// <summary>Entries whose every 8 bytes follow from the first 8, so that a torn one shows whatever the CRC says.</summary>
internal static class EntryPattern
{
    private const ulong Odd = 0x9E37_79B9_7F4A_7C15;

    public static void Fill(out RegistryEntry entry, long number)
    {
        entry = default;
        Span<ulong> words = Words(ref entry);
        for (int i = 0; i < words.Length; i++)
            words[i] = Mix(number, i);
        entry.Bytes = number;
        entry.State = RomState.Ready;
    }

    public static bool IsWhole(ref RegistryEntry entry)
    {
        Fill(out RegistryEntry whole, entry.Bytes);
        return Words(ref entry).SequenceEqual(Words(ref whole));
    }

    private static ulong Mix(long number, int word) => (((ulong)number * Odd) ^ (ulong)word) * Odd;

    private static Span<ulong> Words(ref RegistryEntry entry) =>
        MemoryMarshal.Cast<RegistryEntry, ulong>(new Span<RegistryEntry>(ref entry));
}
