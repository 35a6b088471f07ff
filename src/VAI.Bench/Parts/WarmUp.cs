using System.Diagnostics;

namespace VAI.Bench.Parts;

/// <summary>
/// Says when something that is done again and again takes as long as it will: the first rounds touch memory for the first time, and .NET compiles
/// what is called often anew, on a thread that takes a core from whatever is measured.
/// </summary>
/// <remarks>
/// It is done when the medians of three windows in a row agree, or after so many windows or so much time that it never will be. What is waited for is
/// not slept for: the work itself goes on.
/// </remarks>
internal sealed class WarmUp(int mostRounds = int.MaxValue)
{
    private const int RoundsOfAWindow = 3;
    private const int MostWindows = 12;
    private const int Agreements = 2;
    private const double Tolerance = 0.1;

    // .NET compiles nothing better until nothing new was called for 100 ms.
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(6);

    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly List<double> _values = [];
    private long _from = Stopwatch.GetTimestamp();
    private double _before = double.NaN;
    private int _windows;
    private int _agreed;
    private int _rounds;

    /// <summary>The most for so many rounds that count: who measures little does not want to wait for long, and one round alone only shows that it works.</summary>
    public static int MostRounds(int rounds) => Math.Max(1, 5 * (rounds - 1));

    /// <summary>Whether to measure now.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Takes in what a round came to, in any unit.</summary>
    public void Add(double value)
    {
        _values.Add(value);
        long now = Stopwatch.GetTimestamp();
        IsDone |= ++_rounds >= mostRounds || Stopwatch.GetElapsedTime(_begun, now) >= Longest;
        if (_values.Count < RoundsOfAWindow || Stopwatch.GetElapsedTime(_from, now) < Window)
            return;
        double median = Statistics.Median(_values);
        _agreed = Math.Abs(median - _before) <= Tolerance * Math.Abs(_before) ? _agreed + 1 : 0;
        IsDone |= _agreed >= Agreements || ++_windows >= MostWindows;
        (_before, _from) = (median, now);
        _values.Clear();
    }
}
