using System.Diagnostics;
using VAI.Sessions.Sampling;
using VAI.Tests;

namespace VAI.Benchmarks.Engine;

/// <summary>
/// What a token costs to choose, against llama.cpp's own samplers on the same row, by turns in one run: medians and their ratio. And a
/// bias of most of the vocabulary against one of ten tokens.
/// </summary>
internal static class PairedSampling
{
    private const int Rounds = 200;

    public static void Run()
    {
        var usual = new InferenceOptions { Seed = 1 };
        (string Name, InferenceOptions Options)[] kinds =
        [
            ("greedy", usual with { Temperature = 0 }),
            ("defaults (top-k 40)", usual),
            ("defaults, penalties", usual with { PresencePenalty = 0.1f, RepeatPenalty = 1.1f }),
            ("top-k 5000", usual with { TopK = 5000 }),
            ("top-p 0.9", usual with { TopK = 0, TopP = 0.9f, MinP = 0 }),
            ("min-p 0.05", usual with { TopK = 0, TopP = 1 }),
            ("temperature", usual with { TopK = 0, TopP = 1, MinP = 0 }),
            ("typical 0.9", usual with { TopK = 0, TopP = 1, MinP = 0, TypicalP = 0.9f }),
        ];
        foreach (int vocabulary in new[] { 2048, 32_000, 152_064 })
        {
            float[] logits = Logits(vocabulary);
            foreach ((string name, InferenceOptions options) in kinds)
            {
                var sampler = new TokenSampler(options, 1, vocabulary);
                using var native = new NativeChain(vocabulary, options);
                Report($"{vocabulary,7} {name,-20} VAI / llama.cpp", logits, l => sampler.Next(l, [1, 2, 3]), l => native.Choose(l, 3));
            }

            int most = Math.Min(100_000, vocabulary);
            foreach ((string name, InferenceOptions options) in kinds[..2])
            {
                TokenSampler few = Biased(options, 10), many = Biased(options, most);
                Report($"{vocabulary,7} {name,-20} {most} biases / 10", logits, l => many.Next(l, [1]), l => few.Next(l, [1]));
            }

            TokenSampler Biased(InferenceOptions options, int count) => new(
                options with { LogitBias = Enumerable.Range(0, count).ToDictionary(i => (int)((long)i * vocabulary / count), i => -(i % 7) / 10f) },
                1, vocabulary);
        }
    }

    private static void Report(string what, float[] logits, Func<float[], int> one, Func<float[], int> other)
    {
        double[] ours = new double[Rounds], theirs = new double[Rounds], ratios = new double[Rounds];
        for (int i = -20; i < Rounds; i++)
        {
            double a = Time(one, logits), b = Time(other, logits);
            if (i >= 0)
                (ours[i], theirs[i], ratios[i]) = (a, b, a / b);
        }

        Array.Sort(ours);
        Array.Sort(theirs);
        Array.Sort(ratios);
        Console.WriteLine($"{what}: {ours[Rounds / 2],9:F1} us / {theirs[Rounds / 2],9:F1} us, ratio {ratios[Rounds / 2]:F2}");
    }

    private static double Time(Func<float[], int> choose, float[] logits)
    {
        long start = Stopwatch.GetTimestamp();
        choose(logits);
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static float[] Logits(int vocabulary)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, vocabulary).Select(_ =>
            3 * (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
