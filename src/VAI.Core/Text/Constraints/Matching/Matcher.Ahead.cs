using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>What of it may come next, without taking any.</summary>
internal sealed partial class Matcher
{
    /// <summary>The byte that has to come next, if none does that need not: white space between parts of JSON, an escape; -1 where there are several, or none.</summary>
    public int ForcedByte(MatchState state)
    {
        if (state.Accepts || Tokens(state).Any())
            return -1;
        int forced = -1, needless = -1;
        bool several = false;
        for (int next = 0; next < 256; next++)
        {
            if (StepId(state, (byte)next) == MatchState.Dead)
                continue;
            if (IsNeedless(state, next))
            {
                several |= needless >= 0;
                needless = next;
                continue;
            }

            if (forced >= 0)
                return -1;
            forced = next;
        }

        return forced >= 0 || several ? forced : needless;
    }

    // Whether it can only be white space that need not be, or begin an escape.
    private bool IsNeedless(MatchState state, int next)
    {
        if (state.Partial != 0 || next is not (' ' or '\t' or '\r' or '\n' or '\\'))
            return false;
        foreach (Config config in state.Configs)
        {
            bool needless = next == '\\'
                ? _grammar[config.Node] is TextNode or RawNode or KeyNode { IsRaw: true } ? !CanTake(config, next, next) : config.Escape == 0
                : _grammar[config.Node] is TextNode { Spaced: true } || !CanTake(config, next, next);
            if (!needless)
                return false;
        }

        return true;
    }

    /// <summary>The control token that has to come next; -1 where something else may.</summary>
    public int OnlyToken(MatchState state)
    {
        int[] tokens = state.Accepts ? [] : [.. Tokens(state).Distinct()];
        return tokens.Length == 1 && state.Configs.All(c => _grammar[c.Node] is TokenNode) ? tokens[0] : -1;
    }

    /// <summary>Whether the text ends there, and cannot go on.</summary>
    public static bool IsEnd(MatchState state) => state is { Accepts: true, Configs.Length: 0 };

    /// <summary>The control tokens that may come.</summary>
    public IEnumerable<int> Tokens(MatchState state) =>
        state.Partial != 0 ? [] : state.Configs.Select(c => _grammar[c.Node] switch
        {
            TokenNode node => node.Token,
            KeyNode { StopToken: >= 0 } key when EntryBehind(c, key.Of.Members, c.Stack!) >= 0 => key.StopToken,
            _ => -1,
        }).Where(t => t >= 0);

    /// <summary>How many plain characters may come, one after the other, without a change of anything but their number: 0 for none that is known.</summary>
    public int Plain(MatchState state)
    {
        int most = 0;
        foreach (Config config in state.Configs)
        {
            if (state.Partial != 0 || config.Escape != 0)
                continue;
            int count = _grammar[config.Node] switch
            {
                CountedNode text when text.Language.LoopsOnPlain(config.State) => Left(text, config),
                TextNode text when text.Language.LoopsOnPlain(config.State) => int.MaxValue,
                TextNode text when config.State == 0 && text.Language.EndsOnPlain => PlainTimes(config, text),
                _ => 0,
            };
            most = Math.Max(most, count);
        }

        return most;
    }

    // Of a repetition of plain characters, how often it may come; 0 for so few that a token may go beyond it.
    private int PlainTimes(Config config, TextNode text)
    {
        int most = 0;
        for (int i = 0; _grammar[text.Next] is EndNode && i < config.Stack?.Links.Count; i++)
        {
            Link link = config.Stack.Links[i];
            if (_grammar[link.Node] is RepeatNode repeat && repeat.Rule == config.Node && link.Times > 0)
                most = Math.Max(most, repeat.Most == int.MaxValue ? int.MaxValue : repeat.Most - link.Times + 1);
        }

        return most >= VocabularyTries.MostCounted ? most : 0;
    }

    // How many characters may come, before those that then have to.
    private static int Left(CountedNode text, Config config) =>
        text.Most == int.MaxValue ? int.MaxValue : text.Most - config.Count - text.Language.Distance(config.State);
}
