using VAI.Native.Llama;
using VAI.Sessions.Sampling;
using VAI.Text.Chat;
using VAI.Text.Constraints.Matching;

namespace VAI.Text.Constraints;

/// <summary>
/// A transaction's constraint as a fold over its log. Thoughts come before it: while the model thinks, everything may come but the end.
/// </summary>
internal sealed class ConstraintMask : ITokenMask, IDisposable
{
    private readonly LlamaVocab _vocab;
    private readonly InferenceOptions _options;
    private readonly CompiledConstraint _constraint;
    private readonly TokenPieces _pieces;
    private readonly int _start;
    private readonly Func<int, int> _token;
    private readonly int _open;
    private readonly int[] _breaks;
    private MaskedMatcher? _matcher;
    private ConstraintReader _reader;
    private GeneratedText? _thoughts;
    private Phase _phase;
    private int _seen;

    private ConstraintMask(InferenceOptions options, LlamaVocab vocab, int start, Func<int, int> token)
    {
        (_options, _vocab, _start, _token) = (options, vocab, start, token);
        _constraint = CompiledConstraint.Of(options.Constraint!);
        _matcher = _constraint.Take(vocab);
        _pieces = new TokenPieces(vocab, special: false);
        _open = options.Reasoning is { } format ? Reasoning.Token(vocab, format.Open) : -1;
        _breaks = options.Reasoning is null ? [] : [.. new[] { "\n", "\n\n" }.Select(b => vocab.Tokenize(b, false, false)).Where(t => t.Length == 1).Select(t => t[0])];
        _reader = null!;
        Begin();
    }

    private enum Phase
    {
        /// <summary>Thoughts may begin.</summary>
        Before,
        Thinking,

        /// <summary>Behind the thoughts, where most models have an empty line.</summary>
        Break,
        Answer,
    }

    /// <param name="options">Checked options.</param>
    /// <param name="vocab">The model's.</param>
    /// <param name="start">Where in the log what is generated begins.</param>
    /// <param name="token">The token of an entry of the log.</param>
    /// <returns>Null where there is no constraint.</returns>
    public static ConstraintMask? For(InferenceOptions options, LlamaVocab vocab, int start, Func<int, int> token) =>
        options.Constraint is null ? null : new ConstraintMask(options, vocab, start, token);

    public ReadOnlySpan<ulong> After(ReadOnlySpan<int> log)
    {
        if (_matcher!.IsLarge)
        {
            _matcher.Forget();
            Begin();
        }

        for (; _seen < log.Length; _seen++)
            Take(_token(log[_seen]));
        if (_phase == Phase.Thinking)
            return _matcher.Tries.Continuing;
        ulong[] mask = _matcher.Mask(_reader.State);
        return _phase switch
        {
            Phase.Before when _open >= 0 => With(mask, [_open]),
            Phase.Break => With(mask, _breaks),
            _ => mask,
        };
    }

    public void Rewind(int length)
    {
        if (length < _seen)
            Begin();
    }

    public void Dispose()
    {
        if (_matcher is { } matcher)
            _constraint.Return(_vocab, matcher);
        _matcher = null;
    }

    private void Begin()
    {
        _reader = new ConstraintReader(_matcher!.Matcher);
        _thoughts = _options.Reasoning is null ? null : new GeneratedText(_options with { Stop = null }, _vocab);
        _phase = _thoughts is null ? Phase.Answer : _options.BeginsInReasoning ? Phase.Thinking : Phase.Before;
        _seen = _start;
    }

    private void Take(int token)
    {
        if (_phase == Phase.Before)
            _phase = token == _open && _open >= 0 ? Phase.Thinking : Phase.Answer;
        if (_phase == Phase.Thinking)
        {
            (string text, InferenceUpdateKind kind) = _thoughts!.Append(token);
            if (!_thoughts.IsAnswer)
                return;
            _phase = Phase.Break;
            if (kind == InferenceUpdateKind.Answer && text.Length > 0)
                Read(System.Text.Encoding.UTF8.GetBytes(text), token);
            return;
        }

        if (_vocab.IsEndOfGeneration(token))
            return;
        ReadOnlySpan<byte> bytes = _pieces.Of(token);
        if (_phase == Phase.Break && bytes.Length > 0 && bytes.Trim("\r\n"u8).IsEmpty)
            return;
        _phase = Phase.Answer;
        Read(bytes, token);
    }

    private void Read(ReadOnlySpan<byte> bytes, int token)
    {
        _phase = Phase.Answer;
        if (bytes.IsEmpty ? !_reader.TakeToken(token) : !_reader.Take(bytes))
        {
            throw new VaiUsageException(
                VaiError.InvalidConstraint, "What was generated so far does not satisfy the constraint: it was made without it, or with another. Begin the answer anew.");
        }
    }

    private static ulong[] With(ulong[] mask, int[] tokens)
    {
        ulong[] more = [.. mask];
        foreach (int token in tokens)
            more[token >> 6] |= 1UL << token;
        return more;
    }
}
