using System.Collections;

namespace VAI.Bench.Parts;

/// <summary>Rounds of a part: first those that only warm up, then those that count.</summary>
internal static class Rounds
{
    /// <summary>Runs them, and keeps of the lists what those that count have added.</summary>
    /// <inheritdoc cref="RunAsync(int, Action{int, int}, Func{int, Task{double}}, Action)"/>
    public static Task RunAsync(int rounds, Action<int, int> step, Func<int, Task<double>> round, params IList[] lists) => RunAsync(rounds, step, round, () =>
    {
        foreach (IList list in lists)
            list.Clear();
    });

    /// <summary>Runs them.</summary>
    /// <param name="rounds">Those that count.</param>
    /// <param name="step">Told of each of them before it runs: which, and of how many.</param>
    /// <param name="round">Runs one, and says what it came to. Every other one runs in reverse: the number says which.</param>
    /// <param name="forget">Called when the ones that count begin.</param>
    public static async Task RunAsync(int rounds, Action<int, int> step, Func<int, Task<double>> round, Action forget)
    {
        var warm = new WarmUp(WarmUp.MostRounds(rounds));
        for (int i = 0; !warm.IsDone; i++)
        {
            step(0, rounds);
            warm.Add(await round(i).ConfigureAwait(false));
        }

        forget();
        for (int i = 0; i < rounds; i++)
        {
            step(i, rounds);
            await round(i).ConfigureAwait(false);
        }
    }
}
