using FsCheck.Xunit;
using VAI.Native.Llama;

namespace VAI.Native.Tests.Llama;

public sealed class HighestTests
{
    [Property(MaxTest = 300)]
    public void Is_the_first_of_the_highest_whatever_is_no_number(int seed)
    {
        var random = new Random(seed);
        float[] logits = [.. Enumerable.Range(0, random.Next(1, 6000)).Select(_ => random.Next(20) switch
        {
            0 => float.NaN,
            1 => float.NegativeInfinity,
            _ => random.Next(-50, 50),
        })];
        int expected = 0;
        float best = float.NegativeInfinity;
        for (int i = 0; i < logits.Length; i++)
        {
            if (logits[i] > best)
                (expected, best) = (i, logits[i]);
        }

        Assert.Equal(expected, LlamaSampler.Highest(logits));
    }
}
