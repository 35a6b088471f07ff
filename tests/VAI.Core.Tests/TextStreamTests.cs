using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using VAI.Text;

namespace VAI.Core.Tests;

/// <summary>Properties of <see cref="TextStream"/>; FsCheck prints the seed of a failure.</summary>
public sealed class TextStreamTests
{
    [Property(MaxTest = 2000)]
    public bool Pieces_add_up_to_the_whole_and_split_no_character(byte[] bytes, PositiveInt step)
    {
        var stream = new TextStream(null);
        var text = new StringBuilder();
        foreach (byte[] piece in bytes.Chunk(1 + (step.Get % 5)))
        {
            string part = stream.Append(piece);
            if (part.Length > 0 && (char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1])))
                return false;
            text.Append(part);
        }

        text.Append(stream.Finish());
        return text.ToString() == Encoding.UTF8.GetString(bytes);
    }

    [Property(MaxTest = 2000)]
    public Property Text_ends_before_the_first_stop_string_however_it_is_cut()
    {
        Gen<string> text = Gen.Elements("ab", "b", "aa", "ba", "é", "🎛", "x").ListOf().Select(string.Concat);
        Gen<string[]> stops = Gen.Elements("ab", "aab", "bé", "🎛x", "xx", "baba").ListOf(2).Select(l => l.ToArray());
        return Prop.ForAll(text.ToArbitrary(), stops.ToArbitrary(), Gen.Choose(1, 4).ToArbitrary(), (whole, stop, step) =>
        {
            var stream = new TextStream(stop);
            var got = new StringBuilder();
            foreach (byte[] piece in Encoding.UTF8.GetBytes(whole).Chunk(step))
                got.Append(stream.Append(piece));
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
        var stream = new TextStream(["END"]);
        Assert.Equal("a", stream.Append("aE"u8));
        Assert.Equal("", stream.Append("N"u8));
        Assert.Equal("ENx", stream.Append("x"u8));
        Assert.Equal("", stream.Append("EN"u8));
        Assert.Equal("EN", stream.Finish());
    }
}
