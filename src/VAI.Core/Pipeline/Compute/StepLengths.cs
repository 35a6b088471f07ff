using System.Diagnostics;

namespace VAI.Pipeline.Compute;

/// <summary>
/// How many rows of prompts a step has: the fewest with which prompts are computed about as fast as they can be, because a step is what all others
/// wait for. Too few, and weights are read for little; how many are enough depends on the model and the machine (of 45 M parameters 128, of
/// 1.5 G 64, where one fixed number of operations had said 512 and 32). So the first prompts are computed in steps of several lengths by turns,
/// and what each takes is measured. Used by the pipeline's thread; times are <see cref="Stopwatch"/> ticks.
/// </summary>
internal sealed class StepLengths
{
    // Of each length so many are measured, and their median counts.
    private const int Samples = 5;

    // Beyond so many steps of each, prompts are too short or too rarely alone to tell.
    private const int Patience = 40;

    // What is as fast as the fastest.
    private const double Enough = 0.97;

    private static readonly long Longest = Stopwatch.Frequency / 2;

    private readonly int[] _lengths;
    private readonly long[][] _taken;
    private readonly int[] _counts;
    private readonly Action<int>? _settled;
    private int _turn;
    private int _steps;
    private bool _isSettled;

    /// <param name="least">The shortest, 1 or more.</param>
    /// <param name="most">The longest; the same where there is nothing to find out.</param>
    /// <param name="known">What was found out before; 0 for nothing.</param>
    /// <param name="settled">Told what is found out; null for nobody.</param>
    public StepLengths(int least, int most, int known = 0, Action<int>? settled = null)
    {
        var lengths = new List<int>();
        for (int length = least; length < most; length *= 2)
            lengths.Add(length);
        _lengths = [.. lengths, most];
        _taken = [.. _lengths.Select(_ => new long[Samples])];
        _counts = new int[_lengths.Length];
        _settled = settled;
        _isSettled = _lengths.Length == 1 || _lengths.Contains(known);
        Rows = _lengths.Contains(known) ? known : most;
        if (!_isSettled)
            Rows = _lengths[0];
    }

    /// <summary>Rows of prompts that the next step may have.</summary>
    public int Rows { get; private set; }

    /// <summary>A step had rows of prompts.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="ticks">What it took; 0 where something else had a part in that.</param>
    public void Took(int rows, long ticks)
    {
        if (_isSettled)
            return;
        if (ticks > 0 && Array.IndexOf(_lengths, rows) is >= 0 and var i && _counts[i] < Samples)
            _taken[i][_counts[i]++] = ticks;
        if (++_steps >= Patience * _lengths.Length || !_counts.AsSpan().ContainsAnyExcept(Samples))
        {
            Settle();
            return;
        }

        // By turns, so that each is measured at the beginnings of prompts and further on.
        do
            _turn = (_turn + 1) % _lengths.Length;
        while (_counts[_turn] == Samples);
        Rows = _lengths[_turn];
    }

    // Where not all are known, what is not known is not known to be too long, either: the longest, as prompts go in one piece then.
    private void Settle()
    {
        _isSettled = true;
        Rows = _lengths[^1];
        if (_counts.AsSpan().ContainsAnyExcept(Samples))
            return;
        long[] medians = [.. _taken.Select(Median)];
        double fastest = _lengths.Zip(medians, (l, m) => (double)l / m).Where((_, i) => IsShort(i)).Max();
        int best = Enumerable.Range(0, _lengths.Length).First(i => IsShort(i) && (double)_lengths[i] / medians[i] >= Enough * fastest);
        Rows = _lengths[best];
        _settled?.Invoke(Rows);

        bool IsShort(int i) => i == 0 || medians[i] <= Longest;
    }

    private static long Median(long[] taken)
    {
        Array.Sort(taken);
        return taken[taken.Length / 2];
    }
}
