using VAI.Native.Llama;
using VAI.Sessions.Sampling;
using VAI.Text.Constraints.Matching;

namespace VAI.Text.Constraints;

/// <summary>A transaction's constraint as a fold over its log. What the model thinks before it answers is a part of the grammar.</summary>
internal sealed class ConstraintMask : ITokenMask, IDisposable
{
    private readonly LlamaVocab _vocab;
    private readonly InferenceOptions _options;
    private readonly CompiledConstraint _constraint;
    private readonly TokenPieces _pieces;
    private readonly int _start;
    private readonly Func<int, int> _token;
    private ForcedTokens? _forced;
    private MaskedMatcher? _matcher;
    private ConstraintReader _reader;
    private int _seen;

    private ConstraintMask(InferenceOptions options, LlamaVocab vocab, int start, Func<int, int> token)
    {
        (_options, _vocab, _start, _token) = (options, vocab, start, token);
        _constraint = CompiledConstraint.Of(options.Constraint!);
        _matcher = _constraint.Take(vocab, options.Reasoning, options.BeginsInReasoning);
        _matcher.Begin();
        _pieces = new TokenPieces(vocab, special: false);
        (_reader, _seen) = (new ConstraintReader(_matcher.Matcher), start);
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
        Read(log);
        return CompiledConstraint.Some(CompiledConstraint.Typed(this, static me => me.Allowed()));
    }

    /// <summary>The token that has to follow the log, of those that are appended (<see cref="InferenceOptions.FastForward"/>); -1 where the model may choose.</summary>
    public int Forced(ReadOnlySpan<int> log)
    {
        Read(log);
        return CompiledConstraint.Typed(this, static me => me.ForcedTokens.After(me._matcher!, me._reader.State));
    }

    public void Rewind(int length)
    {
        if (length < _seen)
            Begin();
    }

    public void Dispose()
    {
        if (_matcher is { } matcher)
            _constraint.Return(_vocab, _options.Reasoning, _options.BeginsInReasoning, matcher);
        _matcher = null;
    }

    private ForcedTokens ForcedTokens => _forced ??= new ForcedTokens(_vocab, _pieces);

    private ulong[] Allowed()
    {
        ulong[] mask = _matcher!.Mask(_reader.State);
        return _options.FastForward ? ForcedTokens.Narrow(_matcher, _reader.State, mask) : mask;
    }

    private void Begin() => (_reader, _seen) = (new ConstraintReader(_matcher!.Matcher), _start);

    private void Read(ReadOnlySpan<int> log)
    {
        ForgetIfLarge();
        for (; _seen < log.Length; _seen++)
        {
            int token = _token(log[_seen]);
            if (!_vocab.IsEndOfGeneration(token) && !CompiledConstraint.Typed((Mask: this, Token: token), static t => t.Mask.Takes(t.Token)))
            {
                throw new VaiUsageException(
                    VaiError.InvalidConstraint, "What was generated so far does not satisfy the constraint: it was made without it, or with another. Begin the answer anew.");
            }

            ForgetIfLarge();
        }
    }

    private void ForgetIfLarge()
    {
        if (_matcher!.IsLarge)
            CompiledConstraint.Typed(this, static me => me._matcher!.Forget(me._reader));
    }

    private bool Takes(int token)
    {
        ReadOnlySpan<byte> bytes = _pieces.Of(token);
        return bytes.IsEmpty ? _reader.TakeToken(token) : _reader.Take(bytes);
    }
}
