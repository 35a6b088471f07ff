using System.Buffers.Binary;
using System.Collections;

namespace VAI.Native.Gguf.Gates;

/// <summary>
/// Checks the table by which a unigram tokenizer normalizes characters: llama.cpp walks it by the bytes of each text, and ends the
/// process on a step that leads out of it.
/// </summary>
/// <remarks>
/// The table is a double array, its length in bytes before it and its replacements behind it, each ended by a NUL. An entry has the
/// byte that leads to it (bits 0 to 7, and bit 31 for none), whether a replacement's place follows (8) and its base (9 to 30).
/// </remarks>
internal static class GgufCharsMap
{
    // Ten times the largest published; no replacement of Unicode's own has more than 33 bytes.
    private const int MaxBytes = 4 << 20;
    private const int MaxReplacement = 256;

    /// <summary>What is wrong with it; null for nothing.</summary>
    public static string? FindFault(ReadOnlySpan<byte> map)
    {
        if (map.Length is < 4 or > MaxBytes)
            return $"{map.Length} bytes are not in 4..{MaxBytes}";
        uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(map);
        // llama.cpp wants at least a byte of replacements.
        if (bytes % 4 != 0 || bytes >= map.Length - 4)
            return $"its table of {bytes} bytes does not fit into {map.Length}";
        return bytes == 0 ? null : FindFault(map.Slice(4, (int)bytes), map[(4 + (int)bytes)..]);
    }

    private static string? FindFault(ReadOnlySpan<byte> table, ReadOnlySpan<byte> replacements)
    {
        var seen = new BitArray(table.Length / 4);
        var states = new Stack<uint>();
        states.Push(Base(Node(table, 0)));
        while (states.TryPop(out uint state))
        {
            // All that one byte leads to lies in one block of 256, which is in the table as a whole or in part.
            if (state >= seen.Length)
                return $"entry {state} is not in its {seen.Length}";
            if (seen[(int)state])
                continue;
            seen[(int)state] = true;
            for (uint value = 1; value <= 0xF4; value++)
            {
                // No text has these as UTF-8.
                if (value is 0xC0 or 0xC1)
                    continue;
                uint child = state ^ value;
                if (child >= seen.Length)
                    return $"entry {child} is not in its {seen.Length}";
                uint node = Node(table, child);
                if ((node & 0x8000_00FF) != value)
                    continue;
                uint next = child ^ Base(node);
                states.Push(next);
                if ((node & 0x100) == 0)
                    continue;
                if (next >= seen.Length)
                    return $"entry {next} is not in its {seen.Length}";
                uint place = Node(table, next) & 0x7FFF_FFFF;
                if (place >= replacements.Length)
                    return $"replacement {place} is not in the {replacements.Length} bytes of them";
                if (replacements[(int)place..Math.Min(replacements.Length, (int)place + MaxReplacement + 1)].IndexOf((byte)0) < 0)
                    return $"replacement {place} does not end within {MaxReplacement} bytes";
            }
        }

        return null;
    }

    private static uint Node(ReadOnlySpan<byte> table, uint index) => BinaryPrimitives.ReadUInt32LittleEndian(table[(int)(index * 4)..]);

    private static uint Base(uint node) => (node >> 10) << (int)((node & (1u << 9)) >> 6);
}
