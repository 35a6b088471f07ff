namespace VAI.Sessions.Sampling;

/// <summary>
/// The draw among candidates, keyed by seed and position. So it depends on nothing that was drawn before, and a session that was
/// parked, forked or rebuilt goes on as if nothing had happened.
/// </summary>
internal static class Draw
{
    private const int Block = 1024;

    /// <summary>A number from 0 to below 1 for a position in a sequence.</summary>
    public static double Uniform(uint seed, int position)
    {
        // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) over the key; 53 bits of it.
        ulong z = ((ulong)seed << 32) | (uint)position;
        for (int i = 0; i < 2; i++)
        {
            z += 0x9E37_79B9_7F4A_7C15;
            z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
            z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
            z ^= z >> 31;
        }

        return (z >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>Draws among candidates, in their order.</summary>
    public static int Among(ReadOnlySpan<ulong> candidates, float temperature, double uniform, Scratch scratch)
    {
        ulong best = 0;
        foreach (ulong candidate in candidates)
            best = Math.Max(best, candidate);
        Span<double> weights = scratch.Weights(candidates.Length);
        double rest = uniform * Chain.WeightsOf(candidates, Candidate.Logit(best), temperature, scratch, weights);
        int at = Find(weights, ref rest);
        return Candidate.Token(at < 0 ? best : candidates[at]);
    }

    /// <summary>Draws among all tokens, in the order of their ids.</summary>
    public static int Among(ReadOnlySpan<float> logits, float highest, float temperature, double uniform, Scratch scratch)
    {
        // The weights of the block that is drawn are computed twice, and those of the others are never written.
        Span<double> sums = scratch.Weights(((logits.Length + Block - 1) / Block) + Block);
        Span<double> weights = sums[..Block];
        sums = sums[Block..];
        double sum = 0;
        for (int b = 0; b < sums.Length; b++)
            sum += sums[b] = Row.Weights(BlockOf(logits, b), highest, temperature, []);
        double rest = uniform * sum;
        int block = Find(sums, ref rest);
        if (block < 0)
            return Row.Highest(logits);
        ReadOnlySpan<float> drawn = BlockOf(logits, block);
        rest += sums[block];
        Row.Weights(drawn, highest, temperature, weights);
        int at = Find(weights[..drawn.Length], ref rest);
        return (block * Block) + (at < 0 ? Row.Highest(drawn) : at);

        static ReadOnlySpan<float> BlockOf(ReadOnlySpan<float> logits, int b) => logits[(b * Block)..Math.Min((b + 1) * Block, logits.Length)];
    }

    // Where the rest falls below zero; -1 if it does not, as the sum was rounded.
    private static int Find(ReadOnlySpan<double> weights, ref double rest)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            rest -= weights[i];
            if (rest < 0)
                return i;
        }

        return -1;
    }
}
