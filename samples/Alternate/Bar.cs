using Spectre.Console;

namespace Alternate;

/// <summary>A progress bar on standard error; a plain line where that is no terminal.</summary>
internal static class Bar
{
    public static async Task<T> RunAsync<T>(string title, Func<Action<double>, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            Console.Error.WriteLine(title);
            return await work(_ => { });
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress().AutoClear(true).StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
            return await work(fraction => task.Value = fraction);
        });
    }
}

/// <summary>Reports where the work runs, in order.</summary>
internal sealed class Report<T>(Action<T> report) : IProgress<T>
{
    void IProgress<T>.Report(T value) => report(value);
}
