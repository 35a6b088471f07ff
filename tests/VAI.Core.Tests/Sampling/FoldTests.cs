using FsCheck.Xunit;
using VAI.Pipeline.Steps;
using VAI.Sessions;
using VAI.Sessions.Sampling;

namespace VAI.Core.Tests.Sampling;

/// <summary>A sampler's state is a fold over the log: however it came to a log, it says what a new one says of it.</summary>
public sealed class FoldTests
{
    private const int Vocabulary = 400;

    [Property(MaxTest = 200)]
    public void However_a_log_came_about_what_follows_is_what_a_new_sampler_says(int seed)
    {
        var random = new Random(seed);
        InferenceOptions options = new()
        {
            Temperature = random.Next(3) == 0 ? 0 : 1.5f,
            TopK = random.Next(2) * 30,
            PenaltyLastN = random.Next(1, random.Next(2) == 0 ? 8 : 100),
            RepeatPenalty = 0.5f + random.NextSingle(),
            FrequencyPenalty = random.NextSingle() - 0.5f,
            PresencePenalty = random.NextSingle(),
            LogitBias = new Dictionary<int, float> { [random.Next(Vocabulary)] = 3 },
        };
        var live = new List<(List<int> Log, TokenSampler Sampler)> { ([], New()) };
        for (int operation = 0; operation < 200; operation++)
        {
            (List<int> log, TokenSampler sampler) = live[random.Next(live.Count)];
            switch (random.Next(8))
            {
                case 0:
                    // A prompt.
                    log.AddRange(Enumerable.Range(0, random.Next(1, random.Next(4) == 0 ? 300 : 10)).Select(_ => random.Next(Vocabulary)));
                    break;
                case 1:
                    int to = random.Next(log.Count + 1);
                    log.RemoveRange(to, log.Count - to);
                    sampler.Rewind(log.Count);
                    break;
                case 2 when live.Count < 5:
                    live.Add(([.. log], New()));
                    break;
                case 3:
                    live.Remove((log, sampler));
                    live.Add((log, New()));
                    break;
                default:
                    float[] logits = Logits(random);
                    int next = sampler.Next(logits, log.ToArray());
                    Assert.Equal(New().Next(logits, log.ToArray()), next);
                    log.Add(random.Next(2) == 0 ? next : ~next);
                    break;
            }
        }

        TokenSampler New() => SamplerFactory.Create(options, (uint)seed, Vocabulary, new Alternating());
    }

    [Property(MaxTest = 200)]
    public void Penalties_count_the_last_entries_and_no_others(int seed)
    {
        var random = new Random(seed);
        InferenceOptions options = new() { PenaltyLastN = random.Next(1, 20), FrequencyPenalty = 1, PresencePenalty = 0.5f };
        PenaltyWindow window = PenaltyWindow.For(options)!;
        var log = new List<int>();
        for (int operation = 0; operation < 300; operation++)
        {
            if (random.Next(3) == 0)
            {
                int length = random.Next(2) == 0 ? random.Next(log.Count + 1) : Math.Max(0, log.Count - random.Next(4));
                log.RemoveRange(length, log.Count - length);
                window.Rewind(length);
            }

            log.AddRange(Enumerable.Range(0, random.Next(random.Next(5) == 0 ? 60 : 3)).Select(_ => random.Next(2) == 0 ? random.Next(10) : ~random.Next(10)));
            if (random.Next(4) == 0)
                continue;
            window.Fold(log.ToArray());
            float[] logits = new float[10];
            window.Apply(logits);
            float[] expected = new float[10];
            foreach (IGrouping<int, int> token in log.TakeLast(options.PenaltyLastN).Select(Schedule.Id).GroupBy(t => t))
                expected[token.Key] = -token.Count() - 0.5f;
            Assert.Equal(expected, logits);
        }
    }

    private static float[] Logits(Random random) => [.. Enumerable.Range(0, Vocabulary).Select(_ => random.NextSingle() * 8)];

    /// <summary>A mask that has a state: a tenth of the vocabulary after each entry, which one the sum of the log says.</summary>
    private sealed class Alternating : ITokenMask
    {
        private readonly ulong[] _bits = new ulong[(Vocabulary + 63) / 64];
        private readonly List<int> _sums = [0];

        public ReadOnlySpan<ulong> After(ReadOnlySpan<int> log)
        {
            Rewind(log.Length);
            for (int i = _sums.Count - 1; i < log.Length; i++)
                _sums.Add((_sums[i] + Schedule.Id(log[i])) % 11);
            Array.Clear(_bits);
            if (_sums[^1] == 10)
                return default;
            for (int token = _sums[^1]; token < Vocabulary; token += 10)
                _bits[token / 64] |= 1ul << (token % 64);
            return _bits;
        }

        public void Rewind(int length)
        {
            if (length + 1 < _sums.Count)
                _sums.RemoveRange(length + 1, _sums.Count - length - 1);
        }
    }
}
