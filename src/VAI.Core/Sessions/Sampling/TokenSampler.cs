namespace VAI.Sessions.Sampling;

/// <summary>
/// From logits to a token: mask, bias, penalties, chain, draw. The token is a function of the options, the seed, the log and the
/// row. What is kept from one to the next only saves work, so that it does not matter whether a session was resumed, forked, rolled
/// back or never interrupted. Used by one thread at a time; allocates nothing once it has run.
/// </summary>
internal sealed class TokenSampler
{
    private readonly uint _seed;
    private readonly float _temperature;
    private readonly Chain _chain;
    private readonly BiasTable? _bias;
    private readonly PenaltyWindow? _penalties;
    private readonly ITokenMask? _mask;

    /// <param name="options">Checked options.</param>
    /// <param name="seed">What the draw is keyed by, with the position.</param>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <param name="mask">A constraint of what is generated.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: the bias was changed after it was checked.</exception>
    public TokenSampler(InferenceOptions options, uint seed, int vocabulary, ITokenMask? mask = null)
    {
        _seed = seed;
        _temperature = options.Temperature;
        _chain = new Chain(options);
        _bias = BiasTable.For(options, vocabulary);
        _penalties = PenaltyWindow.For(options);
        _mask = mask;
    }

    /// <summary>The log was cut back to a length, and goes on with other entries.</summary>
    public void Rewind(int length)
    {
        _penalties?.Rewind(length);
        _mask?.Rewind(length);
    }

    /// <summary>Chooses what follows the log.</summary>
    /// <param name="logits">The model's own, of the log's last entry: one for each token. They are not changed.</param>
    /// <param name="log">
    /// The whole log, prompt and all (entries, see <c>Schedule.Id</c>): what was given before and more, unless <see cref="Rewind"/>
    /// said otherwise or it is shorter.
    /// </param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: bias and mask leave no token.</exception>
    /// <exception cref="VaiEngineException">The model computed no number.</exception>
    public int Next(ReadOnlySpan<float> logits, ReadOnlySpan<int> log)
    {
        var scratch = Scratch.Here;
        ReadOnlySpan<float> row = Adjust(logits, log, scratch);
        bool greedy = _temperature <= 0;
        if (greedy || _chain.IsEmpty)
        {
            int best = Row.Highest(row);
            return greedy || !float.IsFinite(row[best])
                ? Possible(row, best, logits)
                : Draw.Among(row, row[best], _temperature, Draw.Uniform(_seed, log.Length), scratch);
        }

        float highest = _chain.NeedsHighest ? Row.Max(row) : 0;
        if (!float.IsFinite(highest))
            return Possible(row, Row.Highest(row), logits);
        Span<ulong> left = _chain.Narrow(row, highest, scratch);
        return left.Length > 0 && float.IsFinite(Candidate.Logit(left[0]))
            ? Draw.Among(left, _temperature, Draw.Uniform(_seed, log.Length), scratch)
            : Possible(row, Row.Highest(row), logits);
    }

    private ReadOnlySpan<float> Adjust(ReadOnlySpan<float> logits, ReadOnlySpan<int> log, Scratch scratch)
    {
        _penalties?.Fold(log);
        ReadOnlySpan<ulong> allowed = _mask is null ? default : _mask.After(log);
        if (_bias is null && _penalties is null && allowed.IsEmpty)
            return logits;
        Span<float> row = scratch.Logits(logits.Length);
        if (_bias is null)
            logits.CopyTo(row);
        else
            _bias.Copy(logits, row);
        if (!allowed.IsEmpty)
            Row.Mask(row, allowed);
        _penalties?.Apply(row);
        return row;
    }

    private static int Possible(ReadOnlySpan<float> row, int token, ReadOnlySpan<float> logits)
    {
        if (row[token] > float.NegativeInfinity)
            return token;
        if (!(Row.Max(logits) > float.NegativeInfinity))
        {
            throw new VaiEngineException(
                VaiError.NativeFailure, "The model computed no number for any token. Its file may be damaged: run \"vai verify\", or use another one.");
        }

        throw OptionRules.OptionCheck.Invalid(
            "LogitBias, or the constraint of the answer, leaves no token that the model can choose. Ban fewer tokens.");
    }
}
