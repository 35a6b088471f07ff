using System.Diagnostics;

namespace VAI.Bench.Parts;

/// <summary>What choosing a model takes.</summary>
internal static class SelectTimes
{
    private const int Calls = 100_000;
    private const int Rounds = 50;

    // What .NET has compiled for good it has for this process.
    private static bool _warm;

    /// <summary>One <see cref="IVai.Select(ModelHandle)"/> of models in turn, in nanoseconds: the median of rounds of many.</summary>
    public static double Measure(IVai vai, ModelHandle[] handles)
    {
        var warm = new WarmUp();
        while (!_warm && !warm.IsDone)
            warm.Add(Round(vai, handles));
        _warm = true;
        return Statistics.Median(Enumerable.Range(0, Rounds).Select(_ => Round(vai, handles)));
    }

    private static double Round(IVai vai, ModelHandle[] handles)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0, at = 0; i < Calls; i++)
        {
            vai.Select(handles[at]);
            at = at + 1 == handles.Length ? 0 : at + 1;
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls;
    }
}
