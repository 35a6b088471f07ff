using VAI.Pipeline.Steps;

namespace VAI.Sram;

/// <summary>How much of a log is held by whoever holds most of it, whether or not that can be built upon.</summary>
/// <param name="Same">Tokens that are the same from the start on.</param>
/// <param name="Differs">Whether another one is held behind them.</param>
internal readonly record struct NearestKv(int Same, bool Differs)
{
    /// <summary>This, or what is held here if that is more.</summary>
    public NearestKv Or(ReadOnlySpan<int> log, ReadOnlySpan<int> held)
    {
        if (held.Length <= Same)
            return this;
        int same = log.CommonPrefixLength(held);

        // A token that was generated is the same one in a prompt, if not to what computes it.
        while (same < log.Length && same < held.Length && Schedule.Id(log[same]) == Schedule.Id(held[same]))
            same += 1 + log[(same + 1)..].CommonPrefixLength(held[(same + 1)..]);
        return same > Same ? new NearestKv(same, same < held.Length) : this;
    }

    /// <summary>Where reuse of a log ended; null where all of it was reused but the last entry, which is always computed.</summary>
    public ReuseBreak? Break(Schedule schedule, ReadOnlySpan<int> log, int reused) =>
        reused >= log.Length - 1 ? null
        : Same == 0 ? new ReuseBreak(0, ReuseBreakReason.NothingHeld)
        : Differs && Same < log.Length && reused >= schedule.Start(log, Same) ? new ReuseBreak(Same, ReuseBreakReason.Differs)
        : new ReuseBreak(reused, reused >= Same ? ReuseBreakReason.Shorter : ReuseBreakReason.NotKept);
}
