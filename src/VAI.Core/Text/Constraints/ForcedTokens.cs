using System.Numerics;
using System.Text;
using VAI.Native.Llama;
using VAI.Text.Constraints.Matching;

namespace VAI.Text.Constraints;

/// <summary>
/// The tokens of text that a constraint leaves no choice about, white space and escapes that need not be left out: of what has to come its own tokens,
/// as the vocabulary cuts it, but for the last, which may be longer for what comes behind. A function of the state alone, so that it does not matter where
/// an answer is gone on with. Not thread-safe.
/// </summary>
internal sealed class ForcedTokens(LlamaVocab vocab)
{
    // As far as is looked ahead: a name and what is around it.
    private const int MostBytes = 128;

    // What a vocabulary puts before a text it does not put behind this.
    private const string Before = "\n";

    private readonly TokenPieces _pieces = new(vocab, special: false);
    private readonly byte[] _text = new byte[MostBytes];

    /// <summary>The token that has to follow a state; -1 where the model may choose.</summary>
    /// <exception cref="Automata.ConstraintTooLarge">What has to come takes too long to find out.</exception>
    public int After(MaskedMatcher matcher, MatchState state) => state.Forced ??= matcher.Within(() => Find(matcher.Matcher, state));

    /// <summary>Of the tokens that may follow a state those that go along with the text that has to come, where there is such.</summary>
    /// <exception cref="Automata.ConstraintTooLarge">What has to come takes too long to find out.</exception>
    public ulong[] Narrow(MaskedMatcher matcher, MatchState state, ulong[] mask) => state.Narrowed ??= matcher.Within(() => Narrowed(matcher, state, mask));

    private ulong[] Narrowed(MaskedMatcher matcher, MatchState state, ulong[] mask)
    {
        ReadOnlySpan<byte> text = Text(matcher.Matcher, state, out _);
        if (text.IsEmpty)
            return mask;
        ulong[] narrowed = matcher.NewMask();
        for (int word = 0; word < mask.Length; word++)
        {
            for (ulong left = mask[word]; left != 0; left &= left - 1)
            {
                int token = (word * 64) + BitOperations.TrailingZeroCount(left);
                ReadOnlySpan<byte> piece = _pieces.Of(token);
                if (piece.Length >= text.Length ? piece.StartsWith(text) : text.StartsWith(piece))
                    narrowed[word] |= 1UL << token;
            }
        }

        return narrowed.AsSpan().ContainsAnyExcept(0UL) ? narrowed : mask;
    }

    private int Find(Matcher matcher, MatchState state)
    {
        if (matcher.OnlyToken(state) is >= 0 and int control)
            return !vocab.IsEndOfGeneration(control) || matcher.StepToken(state, control) is { Accepts: true } ? control : -1;
        ReadOnlySpan<byte> text = Text(matcher, state, out bool isLast);
        return text.IsEmpty ? -1 : First(text, isLast);
    }

    // What has to come, as far as it is whole characters; and whether nothing comes behind it.
    private ReadOnlySpan<byte> Text(Matcher matcher, MatchState state, out bool isLast)
    {
        int length = 0;
        MatchState at = state;
        while (state.Partial == 0 && length < MostBytes && !at.HasUnrecorded && matcher.ForcedByte(at) is >= 0 and int next)
        {
            _text[length++] = (byte)next;
            at = matcher.Step(at, (byte)next)!;
        }

        isLast = Matcher.IsEnd(at);
        while (length > 0 && !System.Text.Unicode.Utf8.IsValid(_text.AsSpan(0, length)))
            length--;
        return _text.AsSpan(0, length);
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
            ReadOnlySpan<byte> piece = _pieces.Of(tokens[--from]);
            if (piece.IsEmpty || !text.EndsWith(piece))
                return -1;
            text = text[..^piece.Length];
        }

        return text.IsEmpty ? from : -1;
    }
}
