using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;
using VAI.Bench;

namespace VAI.Benchmarks.Engine;

/// <summary>64 texts of 32 tokens: one after the other, all at once, and in one request, in turn.</summary>
internal static class PairedEmbeddings
{
    private const int Texts = 64;
    private const int Tokens = 32;

    /// <summary>Prints the medians of texts per second, and the ratios to one after the other.</summary>
    public static async Task RunAsync(string shape, int rounds)
    {
        await using IVai vai = Vai.Create(new VaiOptions { RomDirectory = Path.Combine(Path.GetTempPath(), "vai-benchmarks", "roms") });
        ModelHandle handle = await vai.LoadAsync(new ModelOptions { Name = "texts", File = BenchmarkModels.File(shape) });
        IModelContext model = vai.Select(handle);
        string[] texts = await TextsAsync(model);
        var alone = new List<double>();
        var together = new List<double>();
        var batch = new List<double>();
        using IEmbeddingGenerator<string, Embedding<float>> generator = vai.AsIEmbeddingGenerator("texts");
        for (int i = -3; i < rounds; i++)
        {
            double one = await RateAsync(async () =>
            {
                foreach (string text in texts)
                    await model.EmbedAsync(text);
            });
            double all = await RateAsync(() => Task.WhenAll(texts.Select(t => model.EmbedAsync(t).AsTask())));
            double request = await RateAsync(() => generator.GenerateAsync(texts));
            if (i < 0)
                continue;
            alone.Add(one);
            together.Add(all);
            batch.Add(request);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape}, texts/s: one after the other {Statistics.Median(alone):F0}, all at once {Statistics.Median(together):F0} ({Ratio(together, alone):F2}), "
            + $"in one request {Statistics.Median(batch):F0} ({Ratio(batch, alone):F2}); medians of {rounds} rounds"));
    }

    private static double Ratio(List<double> a, List<double> b) => Statistics.Median(a.Zip(b, (x, y) => x / y));

    private static async Task<double> RateAsync(Func<Task> embed)
    {
        long start = Stopwatch.GetTimestamp();
        await embed();
        return Texts / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Of words of the vocabulary, so that each is a token.
    private static async Task<string[]> TextsAsync(IModelContext model)
    {
        var random = new Random(1);
        string[] texts = new string[Texts];
        for (int i = 0; i < Texts; i++)
        {
            string text = "";
            while ((await model.TokenizeAsync(text)).Count < Tokens)
                text += " " + await model.DetokenizeAsync([random.Next(200, 1000)]);
            texts[i] = text;
        }

        return texts;
    }
}
