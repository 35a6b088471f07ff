using System.Runtime.InteropServices;
using VAI.Pipeline.Steps;

namespace VAI.Sessions.Sampling;

/// <summary>
/// How often each token is among the last entries of a log, and what that takes off its logit. A new entry, or one taken back,
/// costs the same however far the window reaches; nothing is allocated after the constructor.
/// </summary>
internal sealed class PenaltyWindow
{
    private readonly float _repeat;
    private readonly float _frequency;
    private readonly float _presence;

    // The entry at place p of the log is at p modulo the window, so that whatever leaves the window makes room for what enters it.
    private readonly int[] _ring;
    private readonly Dictionary<int, int> _counts;
    private int _inside;
    private int _folded;
    private int _kept;

    private PenaltyWindow(InferenceOptions o)
    {
        (_repeat, _frequency, _presence) = (o.RepeatPenalty, o.FrequencyPenalty, o.PresencePenalty);
        _ring = new int[o.PenaltyLastN];
        _counts = new Dictionary<int, int>(o.PenaltyLastN + 1);
    }

    /// <returns>Null where the options ask for none.</returns>
    public static PenaltyWindow? For(InferenceOptions o) =>
        o.PenaltyLastN > 0 && (o.RepeatPenalty != 1 || o.FrequencyPenalty != 0 || o.PresencePenalty != 0) ? new PenaltyWindow(o) : null;

    /// <inheritdoc cref="ITokenMask.Rewind"/>
    public void Rewind(int length) => _kept = Math.Min(_kept, length);

    /// <summary>Takes back what was cut off and takes in what is new.</summary>
    public void Fold(ReadOnlySpan<int> log)
    {
        Rewind(log.Length);
        if (_folded - _kept > _ring.Length || log.Length - _kept > _ring.Length)
        {
            // Nothing of the window is left.
            _counts.Clear();
            _inside = 0;
            _folded = _kept = Math.Max(0, log.Length - _ring.Length);
        }

        while (_folded > _kept)
        {
            int place = --_folded;
            Remove(_ring[place % _ring.Length]);
            int entering = place - _ring.Length;
            if (entering >= 0)
                Add(entering, Schedule.Id(log[entering]));
        }

        for (; _folded < log.Length; _folded++)
        {
            if (_inside == _ring.Length)
                Remove(_ring[_folded % _ring.Length]);
            Add(_folded, Schedule.Id(log[_folded]));
        }

        _kept = _folded;
    }

    /// <summary>Changes the logits of the tokens in the window, as llama.cpp's sampler does.</summary>
    public void Apply(Span<float> logits)
    {
        foreach ((int token, int count) in _counts)
        {
            ref float logit = ref logits[token];

            // To divide a negative logit would make the token more likely.
            logit = logit <= 0 ? logit * _repeat : logit / _repeat;
            logit -= (count * _frequency) + _presence;
        }
    }

    private void Add(int place, int token)
    {
        _ring[place % _ring.Length] = token;
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, token, out _)++;
        _inside++;
    }

    private void Remove(int token)
    {
        ref int count = ref CollectionsMarshal.GetValueRefOrNullRef(_counts, token);
        if (--count == 0)
            _counts.Remove(token);
        _inside--;
    }
}
