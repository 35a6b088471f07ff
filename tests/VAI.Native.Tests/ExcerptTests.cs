namespace VAI.Native.Tests;

/// <summary>Errors repeat what was given, and are short.</summary>
public sealed class ExcerptTests
{
    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("0123456789012345678901", "012345678901...78901")]
    [InlineData("01234567890\ud83d\ude00x2345678\ud83d\ude009876", "01234567890...9876")]
    [InlineData(null, null)]
    public void What_is_left_out_is_in_the_middle(string? text, string? excerpt)
    {
        // Of a character of two units both are left out, or none.
        Assert.Equal(excerpt, Excerpt.Of(text, 20));
        string long_ = "'" + new string('x', 1_000_000) + "' is no model. Load it first.";
        string message = new VaiUsageException(VaiError.UnknownModel, long_).Message;
        Assert.InRange(message.Length, 1, 6_000);
        Assert.EndsWith("' is no model. Load it first.", message, StringComparison.Ordinal);
    }
}
