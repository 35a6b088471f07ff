using System.Runtime.InteropServices;
using System.Text;

namespace VAI.Forge.Weights;

/// <summary>
/// SplitMix64 as a counter (Steele, Lea, Flood 2014): any part of the stream is made without the parts before it, so the
/// bytes follow from the key alone, whichever thread makes them.
/// </summary>
internal static class RandomBits
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>The key of one named stream of a seed.</summary>
    public static ulong Key(ulong seed, string name)
    {
        ulong key = Mix(seed + Step);
        foreach (byte value in Encoding.UTF8.GetBytes(name))
            key = Mix(key ^ value);
        return key;
    }

    /// <summary>The key of one numbered part of a stream.</summary>
    public static ulong Part(ulong key, long index) => Mix(key + Step * (ulong)index);

    public static void Fill(Span<byte> buffer, ulong key)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(buffer);
        ulong counter = key;
        foreach (ref ulong word in words)
            word = Mix(counter += Step);

        ulong last = Mix(counter + Step);
        Span<byte> rest = buffer[(words.Length * sizeof(ulong))..];
        MemoryMarshal.AsBytes(new Span<ulong>(ref last))[..rest.Length].CopyTo(rest);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
