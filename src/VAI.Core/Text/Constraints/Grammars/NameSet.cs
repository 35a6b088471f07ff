using System.Numerics;

namespace VAI.Text.Constraints.Grammars;

/// <summary>A set of small numbers. Immutable.</summary>
internal readonly struct NameSet : IEquatable<NameSet>
{
    private readonly ulong[] _words;

    public NameSet(int capacity) => _words = new ulong[(capacity + 63) / 64];

    private NameSet(ulong[] words) => _words = words;

    public static NameSet Of(bool[] set)
    {
        ulong[] words = new ulong[(set.Length + 63) / 64];
        for (int i = 0; i < set.Length; i++)
            words[i >> 6] |= set[i] ? 1UL << i : 0;
        return new NameSet(words);
    }

    /// <summary>Words that it takes.</summary>
    public int Words => _words.Length;

    public int Count => _words.Sum(BitOperations.PopCount);

    public bool this[int at] => (_words[at >> 6] >> at & 1) != 0;

    public NameSet With(int at)
    {
        ulong[] words = [.. _words];
        words[at >> 6] |= 1UL << at;
        return new NameSet(words);
    }

    /// <summary>The first from there on; -1 for none.</summary>
    public int Next(int from)
    {
        for (int word = from >> 6; word < _words.Length; word++)
        {
            ulong left = _words[word] & (word == from >> 6 ? ulong.MaxValue << from : ulong.MaxValue);
            if (left != 0)
                return (word << 6) + BitOperations.TrailingZeroCount(left);
        }

        return -1;
    }

    /// <summary>How many are not in another.</summary>
    public int CountOutside(NameSet other)
    {
        int count = 0;
        for (int i = 0; i < _words.Length; i++)
            count += BitOperations.PopCount(_words[i] & ~other._words[i]);
        return count;
    }

    /// <summary>How many are there from one on.</summary>
    public int CountFrom(int from)
    {
        int count = 0;
        for (int word = from >> 6; word < _words.Length; word++)
            count += BitOperations.PopCount(word == from >> 6 ? _words[word] & (ulong.MaxValue << from) : _words[word]);
        return count;
    }

    public bool Equals(NameSet other) => _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => obj is NameSet other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (ulong word in _words)
            hash.Add(word);
        return hash.ToHashCode();
    }
}
