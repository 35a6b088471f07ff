namespace VAI.Sessions.Sampling;

/// <summary>
/// Narrows a row to candidates, in the order and with the meaning of llama.cpp's own samplers: top-k, typical, top-p, min-p. A
/// function of the row and the options; it keeps nothing.
/// </summary>
internal readonly struct Chain(InferenceOptions o)
{
    // Enough for a usual top-p; if not, what is needed is found by trying more.
    private const int FirstGuess = 256;
    private const int SecondGuess = 2048;

    private readonly int _topK = o.TopK;
    private readonly float _typical = o.TypicalP;
    private readonly float _topP = o.TopP;
    private readonly float _minP = o.MinP;

    /// <summary>Whether every token stays.</summary>
    public bool IsEmpty => _topK <= 0 && _typical >= 1 && _topP >= 1 && _minP <= 0;

    /// <summary>Whether <see cref="Narrow"/> has to know the highest logit.</summary>
    public bool NeedsHighest => _topK <= 0 && _typical >= 1;

    /// <param name="logits">The row.</param>
    /// <param name="highest">The highest of them, finite, where it <see cref="NeedsHighest"/>.</param>
    /// <param name="scratch">Holds the candidates.</param>
    /// <returns>The candidates, in the order in which the draw goes through them; none where nothing is possible.</returns>
    public Span<ulong> Narrow(ReadOnlySpan<float> logits, float highest, Scratch scratch)
    {
        Span<ulong> left;
        bool sorted = true;
        if (_topK > 0)
        {
            // Of all of them, too: the draw goes through them in their order.
            left = scratch.Candidates(TopTokens.Room(logits.Length, _topK));
            left = left[..TopTokens.Select(logits, _topK, left)];
        }
        else if (_typical < 1)
        {
            left = All(logits, scratch);
        }
        else if (_topP < 1)
        {
            left = Nucleus(logits, highest, scratch);
            return _minP > 0 ? left[..Likely(left, highest)] : left;
        }
        else
        {
            left = scratch.Candidates(logits.Length);
            return left[..TopTokens.AtLeast(logits, highest + MathF.Log(_minP), left)];
        }

        // What is infinite is no distribution.
        if (left.Length == 0 || !float.IsFinite(Candidate.Logit(left[0])))
            return left;
        if (_typical < 1)
        {
            left = Typical(left, scratch);
            sorted = false;
        }

        if (_topP < 1)
        {
            if (!sorted)
                TopTokens.Descend(left);
            sorted = true;
            Span<double> weights = scratch.Weights(left.Length);
            double sum = WeightsOf(left, Candidate.Logit(left[0]), 1, scratch, weights);
            left = left[..Covering(weights, sum, left.Length)];
        }

        if (_minP > 0)
            left = left[..(sorted ? Likely(left, Candidate.Logit(left[0])) : LikelyUnsorted(left))];
        return left;
    }

    /// <inheritdoc cref="Row.Weights"/>
    public static double WeightsOf(ReadOnlySpan<ulong> candidates, float highest, float temperature, Scratch scratch, Span<double> weights)
    {
        Span<float> values = scratch.Values(candidates.Length);
        for (int i = 0; i < candidates.Length; i++)
            values[i] = Candidate.Logit(candidates[i]);
        return Row.Weights(values, highest, temperature, weights);
    }

    private static Span<ulong> All(ReadOnlySpan<float> logits, Scratch scratch)
    {
        Span<ulong> room = scratch.Candidates(logits.Length);
        return room[..TopTokens.Select(logits, logits.Length, room)];
    }

    // The most likely tokens that together have the probability, without sorting the others if a few do.
    private Span<ulong> Nucleus(ReadOnlySpan<float> logits, float highest, Scratch scratch)
    {
        double sum = Row.Weights(logits, highest, 1, []);
        for (int guess = FirstGuess; ; guess = guess == FirstGuess ? SecondGuess : logits.Length)
        {
            Span<ulong> some = scratch.Candidates(TopTokens.Room(logits.Length, guess));
            some = some[..TopTokens.Select(logits, guess, some)];
            Span<double> weights = scratch.Weights(some.Length);
            WeightsOf(some, highest, 1, scratch, weights);
            if (Covering(weights, sum, int.MaxValue) is var count && count < int.MaxValue)
                return some[..count];
            if (guess >= logits.Length)
                return some;
        }
    }

    // How many of the first have the probability; what there is otherwise.
    private int Covering(ReadOnlySpan<double> weights, double sum, int otherwise)
    {
        double covered = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            covered += weights[i];
            if ((float)(covered / sum) >= _topP)
                return i + 1;
        }

        return otherwise;
    }

    // Locally typical sampling: those first whose information is closest to the expected one.
    private Span<ulong> Typical(Span<ulong> sorted, Scratch scratch)
    {
        Span<double> weights = scratch.Weights(sorted.Length);
        double sum = WeightsOf(sorted, Candidate.Logit(sorted[0]), 1, scratch, weights);
        double entropy = 0;
        int possible = 0;
        for (; possible < weights.Length && weights[possible] / sum is > 0 and var p; possible++)
            entropy -= p * Math.Log(weights[possible] = p);
        Span<ulong> order = scratch.Order(possible);
        for (int i = 0; i < possible; i++)
        {
            // No score is negative, so that its bits are in its order.
            float score = (float)Math.Abs(-Math.Log(weights[i]) - entropy);
            order[i] = ((ulong)BitConverter.SingleToUInt32Bits(score) << 32) | (uint)i;
        }

        order.Sort();
        double covered = 0;
        int count = 0;
        while (count < possible && (float)covered <= _typical)
            covered += weights[(int)(uint)order[count++]];
        for (int i = 0; i < count; i++)
            order[i] = sorted[(int)(uint)order[i]];
        order[..count].CopyTo(sorted);
        return sorted[..count];
    }

    private int Likely(ReadOnlySpan<ulong> sorted, float highest)
    {
        float least = highest + MathF.Log(_minP);
        int count = 1;
        while (count < sorted.Length && Candidate.Logit(sorted[count]) >= least)
            count++;
        return count;
    }

    private int LikelyUnsorted(Span<ulong> left)
    {
        float highest = float.NegativeInfinity;
        foreach (ulong candidate in left)
            highest = Math.Max(highest, Candidate.Logit(candidate));
        float least = highest + MathF.Log(_minP);
        int count = 0;
        foreach (ulong candidate in left)
        {
            if (Candidate.Logit(candidate) >= least)
                left[count++] = candidate;
        }

        return count;
    }
}
