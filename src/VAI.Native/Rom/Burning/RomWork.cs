using System.Diagnostics;

namespace VAI.Native.Rom;

/// <summary>Counts a burn's work. Phases weigh what they take a byte, by measurement on 875 MB and 3.8 GB of Q4_K.</summary>
internal sealed class RomWork(long bytes, Action<RomBurnProgress>? report)
{
    private static readonly (RomBurnPhase Phase, double Weight)[] Phases =
        [(RomBurnPhase.Digesting, 1), (RomBurnPhase.Filling, 4), (RomBurnPhase.Sealing, 1), (RomBurnPhase.Verifying, 5)];

    private static readonly double AllWeights = Phases.Sum(p => p.Weight);
    private readonly long _start = Stopwatch.GetTimestamp();

    public void Report(RomBurnPhase phase, long done)
    {
        if (report is null)
            return;
        double before = Phases.TakeWhile(p => p.Phase != phase).Sum(p => p.Weight);
        double weight = Phases.FirstOrDefault(p => p.Phase == phase).Weight;
        double fraction = phase == RomBurnPhase.Waiting ? 0 : Math.Min(1, (before + (weight * done / Math.Max(1, bytes))) / AllWeights);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        TimeSpan? left = fraction > 0.02 ? elapsed * ((1 - fraction) / fraction) : null;
        report(new RomBurnProgress(phase, done, bytes, fraction, left));
    }
}
