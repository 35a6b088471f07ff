using Spectre.Console;
using VAI.Bench;

namespace VAI.Cli.Output;

/// <summary>A progress bar on standard error, where that is a terminal; silent elsewhere.</summary>
internal static class Bar
{
    /// <summary>Runs the work; it reports what it does and the fraction done.</summary>
    public static async Task<T> RunAsync<T>(string title, Func<Action<string, double>, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
            return await work((_, _) => { });
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress().AutoClear(true).HideCompleted(true).StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
            return await work((phase, fraction) =>
            {
                task.Description = Markup.Escape(phase);
                task.Value = fraction;
            });
        });
    }

    /// <summary>Runs a measurement.</summary>
    public static Task<T> MeasureAsync<T>(string title, Func<IProgress<BenchProgress>, Task<T>> measure) =>
        RunAsync(title, report => measure(new Report<BenchProgress>(p => report(p.Phase, p.Fraction))));
}

/// <summary>Reports on the thread that reports: <see cref="Progress{T}"/> would reorder them.</summary>
internal sealed class Report<T>(Action<T> report) : IProgress<T>
{
    void IProgress<T>.Report(T value) => report(value);
}
