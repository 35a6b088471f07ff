using FsCheck.Xunit;
using VAI.Sessions.Sampling;

namespace VAI.Core.Tests.Sampling;

public sealed class RowTests
{
    [Property(MaxTest = 300)]
    public void Highest_is_the_first_of_the_highest_whatever_is_no_number(int seed)
    {
        float[] logits = Logits(new Random(seed), 6000);
        int expected = 0;
        float best = float.NegativeInfinity;
        for (int i = 0; i < logits.Length; i++)
        {
            if (logits[i] > best)
                (expected, best) = (i, logits[i]);
        }

        Assert.Equal(expected, Row.Highest(logits));
        Assert.Equal(best, Row.Max(logits));
    }

    [Property(MaxTest = 100)]
    public void Weights_are_the_exponentials_wherever_they_stand(int seed)
    {
        var random = new Random(seed);
        float[] logits = Logits(random, 2000);
        float highest = Row.Max(logits), temperature = 0.1f + (2 * random.NextSingle());
        if (!float.IsFinite(highest))
            return;
        double[] weights = new double[logits.Length];
        double sum = Row.Weights(logits, highest, temperature, weights);
        Assert.Equal(sum, Row.Weights(logits, highest, temperature, []));
        double expected = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            double weight = logits[i] > float.NegativeInfinity ? Math.Exp((logits[i] / temperature) - (highest / temperature)) : 0;
            Assert.Equal(weight, weights[i], (weight * 1e-12) + 1e-300);
            expected += weight;
        }

        Assert.Equal(expected, sum, expected * 1e-12);
    }

    [Property(MaxTest = 100)]
    public void Probabilities_are_a_distribution(int seed)
    {
        float[] logits = Logits(new Random(seed), 20_000);
        if (!float.IsFinite(Row.Max(logits)))
            return;
        double normaliser = LogProbability.Normaliser(logits);
        Assert.Equal(1, logits.Where(l => !float.IsNaN(l)).Sum(l => Math.Exp(l - normaliser)), 1e-9);
    }

    [Property(MaxTest = 100)]
    public void A_mask_leaves_what_it_allows(int seed)
    {
        var random = new Random(seed);
        float[] logits = Logits(random, 2000);
        ulong[] allowed = [.. Enumerable.Range(0, (logits.Length + 63) / 64).Select(_ => random.Next(3) switch
        {
            0 => 0ul,
            1 => ulong.MaxValue,
            _ => (ulong)random.NextInt64() * 3,
        })];
        float[] expected = [.. logits.Select((l, i) => ((allowed[i / 64] >> (i % 64)) & 1) != 0 ? l : float.NegativeInfinity)];
        Row.Mask(logits, allowed);
        Assert.Equal(expected, logits);
    }

    [Property(MaxTest = 300)]
    public void The_top_tokens_are_those_of_a_stable_sort(int seed)
    {
        var random = new Random(seed);
        float[] logits = Logits(random, 9000);
        int count = 1 + random.Next(random.Next(2) == 0 ? 50 : logits.Length);
        int[] expected = [.. Enumerable.Range(0, logits.Length).Where(i => logits[i] > float.NegativeInfinity)
            .OrderByDescending(i => logits[i]).ThenBy(i => i).Take(count)];
        ulong[] room = new ulong[TopTokens.Room(logits.Length, count)];
        int found = TopTokens.Select(logits, count, room);
        Assert.Equal(expected, room[..found].Select(Candidate.Token));
        Assert.Equal(expected.Select(i => logits[i]), room[..found].Select(Candidate.Logit));
    }

    private static float[] Logits(Random random, int most)
    {
        bool even = random.Next(2) == 0;
        return [.. Enumerable.Range(0, random.Next(1, most)).Select(_ => random.Next(20) switch
        {
            0 => float.NaN,
            1 => float.NegativeInfinity,
            _ => even ? random.Next(-50, 50) : (random.NextSingle() * 40) - 20,
        })];
    }
}
