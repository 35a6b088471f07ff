using FsCheck.Xunit;
using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>Sets of code points are sets.</summary>
public sealed class CharSetTests
{
    private static readonly int[] Probes =
        [.. Enumerable.Range(0, 40), 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFF, 0x10000, CharSet.LastCodePoint - 1, CharSet.LastCodePoint];

    [Property(MaxTest = 300)]
    public void Sets_obey_the_laws_of_sets(int seed)
    {
        var random = new Random(seed);
        (CharSet a, CharSet b, CharSet c) = (Make(random), Make(random), Make(random));
        foreach (int probe in Probes)
        {
            Assert.Equal(a.Contains(probe) || b.Contains(probe), a.Union(b).Contains(probe));
            Assert.Equal(a.Contains(probe) && b.Contains(probe), a.Intersect(b).Contains(probe));
            Assert.Equal(a.Contains(probe) && !b.Contains(probe), a.Except(b).Contains(probe));
            Assert.Equal(probe is < 0xD800 or >= 0xE000 && !a.Contains(probe), a.Complement().Contains(probe));
        }

        Assert.Equal(a, a.Complement().Complement());
        Assert.Equal(a.Union(b).Complement(), a.Complement().Intersect(b.Complement()));
        Assert.Equal(a.Intersect(b.Union(c)), a.Intersect(b).Union(a.Intersect(c)));
        Assert.Equal(a.Union(b).GetHashCode(), b.Union(a).GetHashCode());
        Assert.Equal(CharSet.All, a.Union(a.Complement()));
        Assert.True(a.Except(a).IsEmpty);
        Assert.Equal(CharSet.None, a.Intersect(a.Complement()));
    }

    [Property(MaxTest = 300)]
    public void Ranges_are_sorted_apart_and_without_surrogates(int seed)
    {
        var random = new Random(seed);
        CharSet set = Make(random).Union(Make(random));
        for (int i = 0; i < set.Ranges.Count; i++)
        {
            (int first, int last) = set.Ranges[i];
            Assert.True(first <= last);
            Assert.True(last < 0xD800 || first >= 0xE000);
            Assert.True(i == 0 || first > set.Ranges[i - 1].Last + 1);
        }
    }

    [Fact]
    public void What_is_no_code_point_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CharSet.Of(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => CharSet.Range(0, 0x110000));
        Assert.Throws<ArgumentOutOfRangeException>(() => CharSet.Range(2, 1));
        Assert.True(CharSet.Range(0xD800, 0xDFFF).IsEmpty);
        Assert.Equal(CharSet.Range(0xD700, 0xD7FF), CharSet.Range(0xD700, 0xDFFF));
    }

    private static CharSet Make(Random random)
    {
        var ranges = new List<CharRange>();
        for (int i = random.Next(6); i > 0; i--)
        {
            int first = Probes[random.Next(Probes.Length)];
            int last = random.Next(2) == 0 ? first : Probes[random.Next(Probes.Length)];
            ranges.Add(new CharRange(Math.Min(first, last), Math.Max(first, last)));
        }

        return CharSet.OfRanges(ranges);
    }
}
