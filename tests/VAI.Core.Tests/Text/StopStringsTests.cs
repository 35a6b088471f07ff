using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using VAI.Text;

namespace VAI.Core.Tests.Text;

/// <summary>Properties of <see cref="StopStrings"/>.</summary>
public sealed class StopStringsTests
{
    [Property(MaxTest = 2000)]
    public Property Text_ends_before_the_first_stop_string_however_it_is_cut()
    {
        Gen<string> text = Gen.Elements("ab", "b", "aa", "ba", "é", "🎛", "x").ListOf().Select(string.Concat);
        Gen<string[]> stops = Gen.Elements("ab", "aab", "bé", "🎛x", "xx", "baba").ListOf(2).Select(l => l.ToArray());
        return Prop.ForAll(text.ToArbitrary(), stops.ToArbitrary(), Gen.Choose(1, 4).ToArbitrary(), (whole, stop, step) =>
        {
            var stream = new StopStrings(stop);
            var got = new StringBuilder();
            foreach (char[] piece in whole.Chunk(step))
                got.Append(stream.Append(new string(piece)));
            got.Append(stream.Finish());
            int end = stop.Select(s => whole.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(whole.Length).Min();

            // A longer stop that begins earlier loses to one that is complete earlier: the text may end at either.
            return stream.Stopped == (end < whole.Length || stop.Any(whole.Contains))
                && whole.StartsWith(got.ToString(), StringComparison.Ordinal)
                && !stop.Any(s => got.ToString().Contains(s))
                && (stop.Any(whole.Contains) || got.ToString() == whole);
        });
    }

    [Fact]
    public void What_may_become_a_stop_string_is_held_back_until_it_cannot()
    {
        var stream = new StopStrings(["END"]);
        Assert.Equal("a", stream.Append("aE"));
        Assert.Equal("", stream.Append("N"));
        Assert.Equal("ENx", stream.Append("x"));
        Assert.Equal("", stream.Append("EN"));
        Assert.Equal("EN", stream.Finish());
    }
}
