using System.Diagnostics;

namespace VAI.Core.Tests.Life;

/// <summary>Waits that end in a failure that says what was waited for, where something never ends.</summary>
internal static class Pending
{
    /// <summary>Far above what anything takes on a busy machine: it tells for ever from late, and nothing of time.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits for a task's end, whatever it came to.</summary>
    /// <param name="task">The task.</param>
    /// <param name="state">What to say where it does not end.</param>
    /// <param name="progress">Counts what it has done: while that grows it is not late, but slow.</param>
    public static async Task EndsAsync(Task task, Func<string> state, Func<long>? progress = null)
    {
        long before;
        do
        {
            before = progress?.Invoke() ?? 0;
            await Task.WhenAny(task, Task.Delay(Limit));
        }
        while (!task.IsCompleted && progress is not null && progress() != before);
        Assert.True(task.IsCompleted, $"pending after {Limit.TotalSeconds} s: {state()}; threads: {string.Join(", ", Names())}");
        await task;
    }

    /// <summary>Waits until no more than so many of VAI's threads are left in this process.</summary>
    public static async Task ThreadsEndAsync(int most)
    {
        long start = Stopwatch.GetTimestamp();
        while (Threads() > most)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, $"threads left: {string.Join(", ", Names())}");
            await Task.Yield();
        }
    }

    public static int Threads() => Names().Count;

    private static List<string> Names()
    {
        var names = new List<string>();
        foreach (string thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                string name = File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd();
                if (name.StartsWith("vai-", StringComparison.Ordinal))
                    names.Add(name);
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return names;
    }
}
