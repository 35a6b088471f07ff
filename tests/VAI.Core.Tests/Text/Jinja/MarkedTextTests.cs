using VAI.Text.Jinja.Values;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>Whose each character of a text is stays so, whatever part of it is taken.</summary>
public sealed class MarkedTextTests
{
    [Fact]
    public void A_part_has_the_marks_that_its_characters_have()
    {
        const string Text = "abcdefghijkl";
        var random = new Random(TestVariables.Seed());
        for (int i = 0; i < 200; i++)
        {
            int[] flips = [.. Enumerable.Range(0, Text.Length).Where(_ => random.Next(3) == 0)];
            var whole = new MarkedText(Text, flips);
            bool[] callers = Origins(Value.Text(whole));
            for (int start = 0; start < Text.Length; start++)
            {
                for (int length = 1; start + length <= Text.Length; length++)
                {
                    Value part = whole.Part(start, length);
                    Assert.Equal(Text.Substring(start, length), part.String);
                    Assert.True(Origins(part).SequenceEqual(callers.Skip(start).Take(length)), $"{start}, {length} of [{string.Join(", ", flips)}]");
                }
            }
        }
    }

    private static bool[] Origins(Value text) =>
        [.. text.String.Select((_, at) => text.Mixed is { } mixed ? mixed.Flips.Count(f => f <= at) % 2 == 1 : text.IsCallers)];
}
