using System.Diagnostics;
using System.Numerics;

namespace VAI.Pipeline.Compute;

/// <summary>
/// What steps of a model take, by their rows, when nothing is in their way: from that it is known, in the middle of a step, that something is.
/// Times are <see cref="Stopwatch"/> ticks.
/// </summary>
internal sealed class StepTimes
{
    // Several turns of the kernel's clock; less is nobody's worth, and a step that was ended is computed again.
    private const int Beyond = 8;
    private const int Needed = 8;
    private static readonly long Slack = Stopwatch.Frequency / 100;

    private readonly (int Steps, double Mean)[] _usual = new (int, double)[32];

    /// <summary>From when on a step takes too long; <see cref="long.MaxValue"/> while it is not known what is usual.</summary>
    public long LimitOf(int rows)
    {
        (int steps, double mean) = _usual[BitOperations.Log2((uint)rows)];
        return steps < Needed ? long.MaxValue : (long)(Beyond * mean) + Slack;
    }

    /// <summary>A step came to its end.</summary>
    public void Took(int rows, long ticks)
    {
        ref (int Steps, double Mean) usual = ref _usual[BitOperations.Log2((uint)rows)];
        usual = (Math.Min(Needed, usual.Steps + 1), usual.Mean + ((ticks - usual.Mean) / Math.Min(Needed, usual.Steps + 1)));
    }
}
