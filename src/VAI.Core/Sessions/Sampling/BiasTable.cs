using System.Numerics;
using VAI.OptionRules;

namespace VAI.Sessions.Sampling;

/// <summary>
/// What is added to logits, in blocks of the vocabulary: added while a row is copied, so that the number of entries is hardly felt,
/// and a few take little memory.
/// </summary>
internal sealed class BiasTable
{
    /// <summary>A bias beyond this is as good as a ban, or as no choice; the sum stays a number.</summary>
    public const float Most = 1e6f;

    private const int Block = 256;

    // For each block of the vocabulary where its values begin, or -1.
    private readonly int[] _starts;
    private readonly float[] _values;

    private BiasTable(IReadOnlyDictionary<int, float> entries, int vocabulary)
    {
        _starts = new int[(vocabulary + Block - 1) / Block];
        Array.Fill(_starts, -1);

        // What a caller changes meanwhile is seen before or after, and never trusted.
        KeyValuePair<int, float>[] copy = [.. entries];
        int blocks = 0;
        foreach ((int token, float bias) in copy)
        {
            Check(token, bias, vocabulary);
            if (_starts[token / Block] < 0)
                _starts[token / Block] = blocks++ * Block;
        }

        _values = new float[blocks * Block];
        foreach ((int token, float bias) in copy)
            _values[_starts[token / Block] + (token % Block)] = bias;
    }

    /// <returns>Null where the options ask for none.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: see <see cref="Check"/>.</exception>
    public static BiasTable? For(InferenceOptions o, int vocabulary) =>
        o.LogitBias is { Count: > 0 } entries ? new BiasTable(entries, vocabulary) : null;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: an entry that is none.</exception>
    public static void Check(int token, float bias, int vocabulary)
    {
        if ((uint)token >= (uint)vocabulary)
            throw OptionCheck.Invalid($"LogitBias names token {token}; this model's ids are 0 to {vocabulary - 1}.");
        if (!(Math.Abs(bias) <= Most) && !float.IsNegativeInfinity(bias))
            throw OptionCheck.Invalid($"LogitBias of token {token} is {bias}; use a value from {-Most} to {Most}, or negative infinity to ban it.");
    }

    /// <summary>Copies a row, with what is added to it.</summary>
    public void Copy(ReadOnlySpan<float> logits, Span<float> to)
    {
        for (int at = 0; at < logits.Length; at += Block)
        {
            ReadOnlySpan<float> from = logits[at..Math.Min(at + Block, logits.Length)];
            Span<float> block = to.Slice(at, from.Length);
            if (_starts[at / Block] is >= 0 and var start)
                Add(from, _values.AsSpan(start, from.Length), block);
            else
                from.CopyTo(block);
        }
    }

    private static void Add(ReadOnlySpan<float> logits, ReadOnlySpan<float> values, Span<float> to)
    {
        int i = 0;
        for (; i <= to.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(logits[i..]) + new Vector<float>(values[i..])).CopyTo(to[i..]);
        for (; i < to.Length; i++)
            to[i] = logits[i] + values[i];
    }
}
