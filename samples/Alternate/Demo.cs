using VAI;
using VAI.Bench;

namespace Alternate;

/// <summary>The three steps: load both, alternate between them, measure.</summary>
internal static class Demo
{
    private const int Rounds = 10;
    private static readonly InferenceOptions Greedy = InferenceOptions.Greedy with { MaxTokens = 16 };

    public static async Task LoadAsync(IVai vai, string[] names, CancellationToken cancellation)
    {
        for (int i = 0; i < names.Length; i++)
        {
            string name = names[i];
            ModelHandle handle = await Bar.RunAsync($"loading {name}", async report => await vai.LoadAsync(
                name, new Report<LoadProgress>(p => report(p.Fraction)), cancellation));
            IModelContext model = vai.Select(handle);
            Console.WriteLine(
                $"{i + 1}. {name,-12} Loaded: Y  GPU: {(model.OnGpu ? 'Y' : 'N')}  Time: {model.LoadTime.TotalMilliseconds,6:F0} ms   "
                + $"Vocab {model.Info.VocabularySize} / Layers {model.Info.Layers} / Embd {model.Info.EmbeddingLength}");
        }
    }

    /// <summary>Touches the weights and lets .NET compile the path, so that the table shows neither.</summary>
    public static Task WarmUpAsync(IVai vai, CancellationToken cancellation) => Bar.RunAsync("warming up", async report =>
    {
        for (int i = 0; i < SwitchBenchmark.Prompts.Count; i++)
        {
            foreach (IModelContext model in vai.Models)
            {
                await using IInferenceSession session = model.OpenSession();
                await foreach (InferenceUpdate _ in session.InferAsync(SwitchBenchmark.Prompts[i], Greedy, cancellation))
                {
                }
            }

            report((i + 1.0) / SwitchBenchmark.Prompts.Count);
        }

        return true;
    });

    public static async Task AlternateAsync(IVai vai, CancellationToken cancellation)
    {
        var results = new List<(string Model, InferenceResult Result)>();
        Console.WriteLine();
        for (int round = 0; round < Rounds; round++)
        {
            IModelContext model = vai.Models[round % vai.Models.Count];
            string prompt = SwitchBenchmark.Prompts[round % SwitchBenchmark.Prompts.Count];
            await using IInferenceSession session = model.OpenSession();
            await foreach (InferenceUpdate update in session.InferAsync(prompt, Greedy, cancellation))
            {
                if (update.Result is not { } r)
                    continue;
                results.Add((model.Name, r));
                Console.WriteLine($"[{round + 1,2}] {model.Name} -> \"{prompt}\"   {Times(r.FirstTokenTime.TotalMilliseconds, r.TotalTime.TotalMilliseconds, r.TokensPerSecond)}");
            }
        }

        Console.WriteLine();
        Console.WriteLine("Averages");
        foreach (var model in results.GroupBy(r => r.Model, r => r.Result))
        {
            Console.WriteLine($"     {model.Key,-12} " + Times(
                model.Average(r => r.FirstTokenTime.TotalMilliseconds),
                model.Average(r => r.TotalTime.TotalMilliseconds),
                model.Average(r => r.TokensPerSecond)));
        }
    }

    public static async Task MeasureAsync(IVai vai, BenchModel first, BenchModel second, CancellationToken cancellation)
    {
        var options = new SwitchBenchmarkOptions { First = first, Second = second };
        SwitchBenchmarkResult result = await Bar.RunAsync("measuring the switch", report => SwitchBenchmark.RunAsync(
            vai, options, new Report<BenchProgress>(p => report(p.Fraction)), cancellation));
        Console.WriteLine();
        foreach (ModelSwitchResult m in result.Models)
        {
            Console.WriteLine(
                $"{m.Name,-12} first token, median: {m.StayFirst.TotalMilliseconds:F2} ms staying, "
                + $"{m.SwitchedFirst.TotalMilliseconds:F2} ms right after a switch");
        }

        Console.WriteLine($"select                       {result.SelectNanoseconds:F1} ns");
        Console.WriteLine(
            $"model switch overhead        {result.SwitchOverhead.TotalMilliseconds:F3} ms "
            + $"(interquartile range {result.SwitchOverheadSpread.TotalMilliseconds:F3} ms, {options.Rounds} rounds)");
        Console.WriteLine(
            $"the traditional way          {result.TraditionalSwitch.TotalMilliseconds:F1} ms (free, load again, first token)");
    }

    private static string Times(double first, double total, double perSecond) =>
        $"first={first:F1}ms  total={total:F1}ms  {perSecond:F1}tok/s";
}
