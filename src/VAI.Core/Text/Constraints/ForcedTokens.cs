using System.Text;
using VAI.Native.Llama;
using VAI.Text.Constraints.Matching;

namespace VAI.Text.Constraints;

/// <summary>
/// The tokens of text that a constraint leaves no choice about, white space and escapes that need not be left out: of what has to come its own tokens,
/// as the vocabulary cuts it, but for the last, which may be longer for what comes behind. A function of the state alone, so that it does not matter where
/// an answer is gone on with. Not thread-safe.
/// </summary>
/// <param name="vocab">The vocabulary.</param>
/// <param name="pieces">Its tokens' text, without that of control tokens.</param>
internal sealed class ForcedTokens(LlamaVocab vocab, TokenPieces pieces)
{
    // As far as is looked ahead: a name and what is around it.
    private const int MostBytes = 128;

    // What a vocabulary puts before a text it does not put behind this.
    private const string Before = "\n";

    private readonly byte[] _text = new byte[MostBytes];

    /// <summary>The token that has to follow a state; -1 where the model may choose.</summary>
    /// <exception cref="Automata.ConstraintTooLarge">What has to come takes too long to find out.</exception>
    public int After(MaskedMatcher matcher, MatchState state) => state.Forced ??= Find(matcher, state);

    /// <summary>Of the tokens that may follow a state those that go along with the text that has to come, where there is such.</summary>
    /// <exception cref="Automata.ConstraintTooLarge">What has to come takes too long to find out.</exception>
    public ulong[] Narrow(MaskedMatcher matcher, MatchState state, ulong[] mask) => state.Narrowed ??= Along(matcher, state, mask);

    private ulong[] Along(MaskedMatcher matcher, MatchState state, ulong[] mask)
    {
        byte[] text = Ahead(matcher, state).Text;
        if (text.Length == 0)
            return mask;
        ulong[] narrowed = matcher.NewMask();
        matcher.Tries.All.Along(text, narrowed);
        ulong any = 0;
        for (int i = 0; i < mask.Length; i++)
            any |= narrowed[i] &= mask[i];
        return any != 0 ? narrowed : mask;
    }

    private int Find(MaskedMatcher matcher, MatchState state)
    {
        if (matcher.Matcher.OnlyToken(state) is >= 0 and int control)
            return !vocab.IsEndOfGeneration(control) || matcher.Matcher.StepToken(state, control) is { Accepts: true } ? control : -1;
        (byte[] text, bool isLast) = Ahead(matcher, state);
        return text.Length == 0 ? -1 : First(text, isLast);
    }

    // What has to come, as far as it is whole characters; and whether nothing comes behind it.
    private (byte[] Text, bool IsLast) Ahead(MaskedMatcher matcher, MatchState state) => state.Ahead ??= matcher.Within(() => Look(matcher.Matcher, state));

    private (byte[] Text, bool IsLast) Look(Matcher matcher, MatchState state)
    {
        int length = 0;
        MatchState at = state;
        while (state.Partial == 0 && length < MostBytes && !at.HasUnrecorded && matcher.ForcedByte(at) is >= 0 and int next)
        {
            _text[length++] = (byte)next;
            at = matcher.Step(at, (byte)next)!;
        }

        while (length > 0 && !System.Text.Unicode.Utf8.IsValid(_text.AsSpan(0, length)))
            length--;
        return (_text.AsSpan(0, length).ToArray(), Matcher.IsEnd(at));
    }

    private int First(ReadOnlySpan<byte> text, bool isLast)
    {
        string said = Encoding.UTF8.GetString(text);
        foreach (string before in (ReadOnlySpan<string>)["", Before])
        {
            int[] tokens;
            try
            {
                tokens = vocab.Tokenize(before + said, addSpecial: false, parseSpecial: false);
            }
            catch (VaiUsageException)
            {
                return -1;
            }

            int from = Boundary(tokens, text);
            if (from >= 0)
                return tokens.Length - from > 1 || isLast ? tokens[from] : -1;
        }

        return -1;
    }

    // Where the tokens begin that spell the text to the end; -1 where none begins there.
    private int Boundary(int[] tokens, ReadOnlySpan<byte> text)
    {
        int from = tokens.Length;
        while (from > 0 && !text.IsEmpty)
        {
            ReadOnlySpan<byte> piece = pieces.Of(tokens[--from]);
            if (piece.IsEmpty || !text.EndsWith(piece))
                return -1;
            text = text[..^piece.Length];
        }

        return text.IsEmpty ? from : -1;
    }
}
