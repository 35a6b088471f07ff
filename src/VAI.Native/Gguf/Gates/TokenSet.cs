using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace VAI.Native.Gguf.Gates;

/// <summary>
/// Finds a repeated string in a vocabulary without copying it: a table of positions, probed linearly. The hash is keyed
/// at random, so that a file cannot be made to collide.
/// </summary>
internal readonly ref struct TokenSet
{
    // Mixing constants: the fractional parts of the golden ratio and of pi.
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private const ulong Pi = 0x243F6A8885A308D3;

    private const int Batch = 32;

    // Half full at most: 32 MB for 2^21 tokens.
    private readonly ulong[] _slots; // hash's upper half, then position + 1; 0: free
    private readonly int _mask;
    private readonly ulong _key;
    private readonly BitArray _empty;

    /// <summary>An empty set with room for a number of tokens, at least 1.</summary>
    public TokenSet(int tokens)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)tokens * 2);
        _slots = new ulong[size];
        _mask = size - 1;
        _empty = new BitArray(tokens);
        _key = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
    }

    /// <summary>The index of the first string that stood before; -1 where all differ.</summary>
    /// <param name="strings">A string array as in the file, already checked.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, over up to millions of tokens
    public int FindRepeated(ReadOnlySpan<byte> strings)
    {
        Span<int> starts = stackalloc int[Batch];
        Span<ulong> hashes = stackalloc ulong[Batch];
        Span<ulong> ahead = stackalloc ulong[Batch];
        int index = 0;
        for (int next = 0; next < strings.Length;)
        {
            int count = 0;
            for (; count < Batch && next < strings.Length; count++)
            {
                starts[count] = next;
                ReadOnlySpan<byte> text = TextAt(strings, next, out next);
                hashes[count] = Hash(text);
                // The slots are far apart in memory: reading a batch of them at once hides most of the wait.
                ahead[count] = _slots[(int)hashes[count] & _mask];
                if (text.IsEmpty)
                    _empty[index + count] = true;
            }

            for (int i = 0; i < count; i++, index++)
            {
                if (!_empty[index] && !Add(strings, starts[i], hashes[i]))
                    return index;
            }
        }

        return _empty.HasAnySet() ? FindNameOfEmpty(strings) : -1;
    }

    // llama.cpp calls an empty token number N "[EMPTY_N]", which must not be another token's text.
    private int FindNameOfEmpty(ReadOnlySpan<byte> strings)
    {
        int index = 0;
        for (int at = 0; at < strings.Length; index++)
        {
            ReadOnlySpan<byte> text = TextAt(strings, at, out at);
            if (text.StartsWith("[EMPTY_"u8) && text[^1] == ']'
                && Utf8Parser.TryParse(text[7..^1], out int number, out int used) && used == text.Length - 8
                && number >= 0 && number < _empty.Count && _empty[number])
            {
                return index;
            }
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Add(ReadOnlySpan<byte> strings, int at, ulong hash)
    {
        ulong mine = (hash & ~(ulong)uint.MaxValue) | (uint)(at + 1);
        for (int slot = (int)hash & _mask; ; slot = (slot + 1) & _mask)
        {
            ulong other = _slots[slot];
            if (other == 0)
            {
                _slots[slot] = mine;
                return true;
            }

            if ((other ^ mine) >> 32 == 0
                && TextAt(strings, (int)(uint)other - 1, out _).SequenceEqual(TextAt(strings, at, out _)))
            {
                return false;
            }
        }
    }

    // Up to a NUL, where llama.cpp stops reading a token.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ReadOnlySpan<byte> TextAt(ReadOnlySpan<byte> strings, int at, out int next)
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(strings[at..]);
        next = at + 8 + length;
        ReadOnlySpan<byte> text = strings.Slice(at + 8, length);
        int end = text.IndexOf((byte)0);
        return end < 0 ? text : text[..end];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Hash(ReadOnlySpan<byte> text)
    {
        ulong hash = _key ^ (ulong)text.Length;
        for (; text.Length >= 8; text = text[8..])
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(text), Golden ^ _key);
        ulong tail = 0;
        foreach (byte b in text)
            tail = tail << 8 | b;
        return Mix(hash ^ tail, Pi ^ _key);
    }

    private static ulong Mix(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
