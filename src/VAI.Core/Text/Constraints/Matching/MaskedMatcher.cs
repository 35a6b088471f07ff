using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>A matcher with what tokens of a vocabulary each of its states allows. Not thread-safe.</summary>
internal sealed class MaskedMatcher(Grammar grammar, VocabularyTries tries)
{
    // With its row a state has 1 KiB, with its mask one more bit for each token.
    private const int MostStates = 16_000;
    private const int MostMasks = 500;

    private int _states = MostStates;
    private int _masks;

    public Matcher Matcher { get; private set; } = new(grammar);

    public VocabularyTries Tries => tries;

    /// <summary>Whether it holds so much that it is better begun anew.</summary>
    public bool IsLarge => Matcher.Count > _states || _masks > MostMasks;

    /// <summary>Forgets what it found out.</summary>
    public void Forget()
    {
        Matcher = new Matcher(grammar);
        _masks = 0;
    }

    /// <summary>Takes what it has found out for what it needs: there may be as much again.</summary>
    public void Keep() => _states = Math.Max(MostStates, 2 * Matcher.Count);

    /// <summary>The tokens that may come.</summary>
    public ulong[] Mask(MatchState state)
    {
        if (state.Mask is { } known)
            return known;
        ulong[] mask = new ulong[tries.Words];
        int plain = Matcher.Plain(state);
        if (plain > 0)
        {
            tries.Plain(plain).CopyTo(mask);
            tries.Rest.Allow(Matcher, state, mask);
        }
        else
        {
            tries.All.Allow(Matcher, state, mask);
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
