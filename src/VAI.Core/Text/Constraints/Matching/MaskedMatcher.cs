using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>A matcher with what tokens of a vocabulary each of its states allows. Not thread-safe.</summary>
/// <param name="grammar">The grammar.</param>
/// <param name="tries">The vocabulary.</param>
internal sealed class MaskedMatcher(Grammar grammar, VocabularyTries tries)
{
    // From so much on what it found out is better forgotten.
    private const long MostBytes = 48 << 20;

    // Of one mask: hundreds of times what those of schemas need, and less than a tenth of a second, for which others wait. Of many that follow each
    // other a tenth of that each.
    private const long MostWork = 1_000_000, EachWork = 100_000, MostCredit = 4_000_000;

    private long _masks;
    private long _most = MostBytes;
    private long _credit = MostCredit;

    public Matcher Matcher { get; private set; } = new(grammar);

    public VocabularyTries Tries => tries;

    /// <summary>About how much memory it takes.</summary>
    public long Bytes => Matcher.Bytes + (_masks * tries.Words * sizeof(ulong));

    /// <summary>Whether it holds so much that it is better begun anew.</summary>
    public bool IsLarge => Bytes > _most;

    /// <summary>Another text begins, which may cost what any may.</summary>
    public void Begin() => _credit = MostCredit;

    /// <summary>Forgets what it found out, but for where a text is.</summary>
    /// <returns>What follows the text now.</returns>
    public Matcher Forget(ConstraintReader reader)
    {
        (_masks, _most) = (0, reader.Renew(grammar, MostBytes));
        return Matcher = reader.Matcher;
    }

    /// <summary>The tokens that may come.</summary>
    /// <exception cref="Automata.ConstraintTooLarge">What may come takes too long to find out.</exception>
    public ulong[] Mask(MatchState state) => state.Mask ??= Found(state);

    // Apart, so that what is known costs no closure.
    private ulong[] Found(MatchState state) => Within(() => Fill(state));

    /// <summary>Finds something out, of which there is a most.</summary>
    /// <exception cref="Automata.ConstraintTooLarge">It takes too long.</exception>
    public T Within<T>(Func<T> find)
    {
        long most = Math.Min(MostWork, _credit);
        Matcher.WorkLeft = most;
        try
        {
            return find();
        }
        finally
        {
            _credit = Math.Min(MostCredit, _credit - most + Math.Max(0, Matcher.WorkLeft) + EachWork);
            Matcher.WorkLeft = long.MaxValue;
        }
    }

    /// <summary>One that is counted.</summary>
    public ulong[] NewMask()
    {
        _masks++;
        return new ulong[tries.Words];
    }

    private ulong[] Fill(MatchState state)
    {
        ulong[] mask = NewMask();

        // Where a string ends soon, longer tokens may be a part of what else may come.
        int plain = Matcher.Plain(state);
        bool isPlain = plain >= VocabularyTries.MostCounted || (plain > 0 && state.Configs.Length == 1);
        if (isPlain)
            tries.Plain(plain).CopyTo(mask);
        (isPlain ? tries.Rest : tries.All).Allow(Matcher, state, mask);

        // One that ends a generation ends it: nothing comes behind it.
        foreach (int token in Matcher.Tokens(state))
        {
            if (!tries.IsEnd(token) || Matcher.StepToken(state, token) is { Accepts: true })
                mask[token >> 6] |= 1UL << token;
        }

        if (state.Accepts)
        {
            for (int i = 0; i < mask.Length; i++)
                mask[i] |= tries.Ends[i];
        }

        return mask;
    }
}
