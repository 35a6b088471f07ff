using System.Diagnostics;
using VAI.Native.Machine;
using VAI.Pipeline.Compute;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>turns FILE</c>: takes turns with whoever else does, and computes for two milliseconds in each. Prints every twenty-five steps
/// when the last began, by the machine's monotonic clock.
/// </summary>
internal static class TurnTaking
{
    private const int StepsOfLine = 25;

    public static int Run(string file)
    {
        if (TurnPage.Open(file) is not { } page)
            return ExitCodes.CheckFailed;
        using var turns = new Turns(page, 1);
        for (int steps = 1; ; steps++)
        {
            turns.Take(Stopwatch.GetTimestamp(), static () => { });
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(2))
                Thread.SpinWait(10);
            turns.Stepped(start, Stopwatch.GetTimestamp());
            if (steps % StepsOfLine == 0)
                Console.WriteLine(start);
        }
    }
}
