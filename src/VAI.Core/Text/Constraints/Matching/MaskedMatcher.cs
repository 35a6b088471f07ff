using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>A matcher with what tokens of a vocabulary each of its states allows. Not thread-safe.</summary>
internal sealed class MaskedMatcher(Grammar grammar, VocabularyTries tries)
{
    // In KiB: with its row a state has one, with its mask one more bit for each token.
    private const int MostWeight = 16_000;
    private const int MostMasks = 500;

    // Of one mask; the usual ones take some thousands.
    private const int MostWork = 2_000_000;

    private int _weight = MostWeight;
    private int _masks;

    public Matcher Matcher { get; private set; } = new(grammar);

    public VocabularyTries Tries => tries;

    /// <summary>Whether it holds so much that it is better begun anew.</summary>
    public bool IsLarge => Matcher.Weight > _weight || _masks > MostMasks;

    /// <summary>Forgets what it found out.</summary>
    public void Forget()
    {
        Matcher = new Matcher(grammar);
        _masks = 0;
    }

    /// <summary>Takes what it has found out for what it needs: there may be as much again.</summary>
    public void Keep() => _weight = Math.Max(MostWeight, 2 * Matcher.Weight);

    /// <summary>The tokens that may come.</summary>
    public ulong[] Mask(MatchState state)
    {
        if (state.Mask is { } known)
            return known;
        ulong[] mask = new ulong[tries.Words];
        Matcher.Bound(MostWork);
        try
        {
            // Where a string ends soon, longer tokens may be a part of what else may come.
            int plain = Matcher.Plain(state);
            bool isPlain = plain >= VocabularyTries.MostCounted || (plain > 0 && state.Configs.Length == 1);
            if (isPlain)
                tries.Plain(plain).CopyTo(mask);
            (isPlain ? tries.Rest : tries.All).Allow(Matcher, state, mask);
        }
        finally
        {
            Matcher.Bound(null);
        }

        foreach (int token in Matcher.Tokens(state))
            mask[token >> 6] |= 1UL << token;
        if (state.Accepts)
        {
            for (int i = 0; i < mask.Length; i++)
                mask[i] |= tries.Ends[i];
        }

        _masks++;
        return state.Mask = mask;
    }
}
