using System.Runtime.InteropServices;

namespace VAI.Text.Constraints.Automata;

/// <summary>A set of Unicode's code points; surrogates are none.</summary>
internal sealed class CharSet : IEquatable<CharSet>
{
    /// <summary>The last code point there is.</summary>
    public const int LastCodePoint = 0x10FFFF;

    internal const int FirstSurrogate = 0xD800;
    internal const int BehindSurrogates = 0xE000;

    // Sorted, neither touching nor overlapping, without surrogates: one array for each set.
    private readonly CharRange[] _ranges;

    private readonly int _hash;

    private CharSet(CharRange[] ranges)
    {
        _ranges = ranges;
        HashCode hash = default;
        hash.AddBytes(MemoryMarshal.AsBytes<CharRange>(ranges));
        _hash = hash.ToHashCode();
    }

    /// <summary>No code point.</summary>
    public static CharSet None { get; } = new([]);

    /// <summary>Every code point.</summary>
    public static CharSet All { get; } = Range(0, LastCodePoint);

    /// <summary>Sorted; they neither touch nor overlap, but for those around the surrogates.</summary>
    public IReadOnlyList<CharRange> Ranges => _ranges;

    public bool IsEmpty => _ranges.Length == 0;

    internal ReadOnlySpan<CharRange> Span => _ranges;

    public static CharSet Of(params ReadOnlySpan<int> codePoints)
    {
        var ranges = new List<CharRange>(codePoints.Length);
        foreach (int codePoint in codePoints)
            ranges.Add(new CharRange(codePoint, codePoint));
        return OfRanges(ranges);
    }

    /// <summary>Those from one to another, both included; surrogates among them are left out.</summary>
    public static CharSet Range(int first, int last) => OfRanges([new CharRange(first, last)]);

    /// <summary>Those of any ranges, in any order.</summary>
    public static CharSet OfRanges(List<CharRange> ranges)
    {
        foreach (CharRange range in ranges)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(range.First);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(range.Last, LastCodePoint);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(range.First, range.Last);
        }

        CharRange[] sorted = [.. ranges];
        Array.Sort(sorted, (a, b) => a.First.CompareTo(b.First));
        var all = new List<CharRange>(sorted.Length + 1);
        for (int i = 0; i < sorted.Length;)
        {
            (int first, int last) = sorted[i];
            for (i++; i < sorted.Length && sorted[i].First <= last + 1; i++)
                last = Math.Max(last, sorted[i].Last);
            if (first < FirstSurrogate)
                all.Add(new CharRange(first, Math.Min(last, FirstSurrogate - 1)));
            if (last >= BehindSurrogates)
                all.Add(new CharRange(Math.Max(first, BehindSurrogates), last));
        }

        return new CharSet([.. all]);
    }

    public bool Contains(int codePoint)
    {
        int low = 0;
        int high = _ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (codePoint < _ranges[middle].First)
                high = middle - 1;
            else if (codePoint > _ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }

        return false;
    }

    public CharSet Union(CharSet other) => OfRanges([.. _ranges, .. other._ranges]);

    public CharSet Intersect(CharSet other)
    {
        var both = new List<CharRange>();
        for (int i = 0, j = 0; i < _ranges.Length && j < other._ranges.Length;)
        {
            CharRange a = _ranges[i];
            CharRange b = other._ranges[j];
            int first = Math.Max(a.First, b.First);
            int last = Math.Min(a.Last, b.Last);
            if (first <= last)
                both.Add(new CharRange(first, last));
            if (a.Last < b.Last)
                i++;
            else
                j++;
        }

        return new CharSet([.. both]);
    }

    public CharSet Except(CharSet other) => Intersect(other.Complement());

    public CharSet Complement()
    {
        var others = new List<CharRange>(_ranges.Length + 2);
        int next = 0;
        foreach (CharRange range in _ranges)
        {
            if (range.First > next)
                others.Add(new CharRange(next, range.First - 1));
            next = range.Last + 1;
        }

        if (next <= LastCodePoint)
            others.Add(new CharRange(next, LastCodePoint));
        return OfRanges(others);
    }

    public bool Equals(CharSet? other) => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && _ranges.AsSpan().SequenceEqual(other._ranges));

    public override bool Equals(object? obj) => Equals(obj as CharSet);

    public override int GetHashCode() => _hash;
}
