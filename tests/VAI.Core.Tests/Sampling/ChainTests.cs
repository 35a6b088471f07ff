using System.Runtime.InteropServices;
using FsCheck.Xunit;
using VAI.Native.Interop;
using VAI.Sessions.Sampling;

namespace VAI.Core.Tests.Sampling;

/// <summary>The chain against llama.cpp's own samplers: the same candidates, the same probabilities, the same token.</summary>
public sealed class ChainTests
{
    [Property(MaxTest = 300)]
    public void Keeps_what_llama_cpp_keeps_and_draws_the_same_token(int seed)
    {
        var random = new Random(seed);
        float[] logits = Logits(random);
        InferenceOptions options = Options(random) with { Seed = (uint)seed };
        using var native = new NativeChain(logits.Length, options);
        int position = random.Next(1000);
        int[] log = [.. Enumerable.Range(0, position).Select(_ => random.Next(logits.Length))];
        foreach (int token in log)
            native.Accept(token);
        var sampler = new TokenSampler(options, (uint)seed, logits.Length);
        int chosen = native.Choose(logits.ToArray(), position), ours = sampler.Next(logits, log);

        // llama.cpp adds up the entropy in floats: of thousands of tokens that are nearly as typical it has another order.
        if (options.TypicalP >= 1 || logits.Length <= 1000)
            Assert.Equal(chosen, ours);
        if (options.PenaltyLastN > 0 || options.LogitBias is not null)
            return;

        Dictionary<int, double> expected = Probabilities(native.Narrow(logits.ToArray()));
        Span<ulong> left = new Chain(options).Narrow(logits, Row.Max(logits), Scratch.Here);
        double[] weights = new double[left.Length];
        double sum = Chain.WeightsOf(left, left.ToArray().Max(Candidate.Logit), options.Temperature, Scratch.Here, weights);

        // llama.cpp adds up floats, so that of thousands the last ones, which hardly count, may be on either side of a sum.
        for (int i = 0; i < left.Length; i++)
        {
            double probability = weights[i] / sum;
            if (expected.Remove(Candidate.Token(left[i]), out double theirs))
                Assert.Equal(theirs, probability, 1e-5);
            else
                Assert.True(logits.Length > 1000 && probability < 1e-4, $"{Candidate.Token(left[i])} has {probability} and is not kept by llama.cpp");
        }

        Assert.True(expected.Count == 0 || (logits.Length > 1000 && expected.Values.Sum() < 1e-4), $"{expected.Count} are kept by llama.cpp alone");
    }

    /// <summary>Equal logits have no order in llama.cpp; a token that is drawn must not depend on how something was sorted.</summary>
    [Property(MaxTest = 200)]
    public void Of_what_is_equal_the_lower_id_is_first(int seed)
    {
        var random = new Random(seed);
        float[] logits = [.. Enumerable.Range(0, 50 + random.Next(500)).Select(_ => random.Next(20) / 4f)];
        InferenceOptions options = new() { Seed = (uint)seed, Temperature = 1.5f, TopK = logits.Length, TopP = 1, MinP = 0 };
        using var native = new NativeChain(logits.Length, options) { OrdersEqual = true };
        var sampler = new TokenSampler(options, (uint)seed, logits.Length);
        for (int position = 1; position < 20; position++)
            Assert.Equal(native.Choose(logits.ToArray(), position), sampler.Next(logits, new int[position]));
    }

    [Fact]
    public void Allocates_nothing_once_it_has_run()
    {
        float[] logits = Logits(new Random(1));
        var log = new List<int>(10_000) { 1 };
        var some = Enumerable.Range(0, 200).ToDictionary(i => i, i => i / 100f);
        ulong[] allowed = new ulong[(logits.Length + 63) / 64];
        Array.Fill(allowed, 0x5555_FFFF_0000_FFFFu);
        foreach (InferenceOptions kind in Kinds().Concat(Kinds().Select(k => k with { LogitBias = some, PresencePenalty = 0.1f, PenaltyLastN = 50 })))
        {
            var sampler = new TokenSampler(kind, 7, logits.Length, new Fixed(allowed));
            Run(300);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Run(300);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

            void Run(int tokens)
            {
                for (int i = 0; i < tokens; i++)
                    log.Add(sampler.Next(logits, CollectionsMarshal.AsSpan(log)));
                log.RemoveRange(1, log.Count - 1);
                sampler.Rewind(1);
            }
        }
    }

    [Fact]
    public void Whatever_is_no_number_is_never_chosen()
    {
        float[] logits = new float[1000];
        Array.Fill(logits, float.NaN);
        (logits[7], logits[8], logits[9]) = (1, float.NegativeInfinity, 2);
        foreach (InferenceOptions options in Kinds())
        {
            for (uint seed = 0; seed < 20; seed++)
                Assert.Contains(new TokenSampler(options, seed, logits.Length).Next(logits, [1]), new[] { 7, 9 });
        }

        logits[900] = float.PositiveInfinity;
        foreach (InferenceOptions options in Kinds())
            Assert.Equal(900, new TokenSampler(options, 1, logits.Length).Next(logits, [1]));
    }

    [Fact]
    public void Nothing_to_choose_is_an_error_that_says_whose()
    {
        float[] none = new float[1000], some = new float[1000];
        Array.Fill(none, float.NaN);
        foreach (InferenceOptions kind in Kinds())
        {
            Assert.Equal(VaiError.NativeFailure, Assert.Throws<VaiEngineException>(() => new TokenSampler(kind, 1, 1000).Next(none, [1])).Code);
            var banned = Enumerable.Range(0, 1000).ToDictionary(i => i, _ => float.NegativeInfinity);
            var sampler = new TokenSampler(kind with { LogitBias = banned }, 1, 1000);
            Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => sampler.Next(some, [1])).Code);
        }
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1, float.NaN)]
    [InlineData(1, float.PositiveInfinity)]
    [InlineData(1, 1.1e6f)]
    [InlineData(1, -1.1e6f)]
    public void A_bias_that_was_changed_after_the_check_is_refused(int token, float bias) => Assert.Throws<VaiUsageException>(
        () => new TokenSampler(new InferenceOptions { LogitBias = new Dictionary<int, float> { [token] = bias } }, 1, 1000));

    [Fact]
    public void A_bias_of_most_of_the_vocabulary_is_added_token_by_token()
    {
        var random = new Random(3);
        float[] logits = Logits(random);
        var bias = Enumerable.Range(0, logits.Length).Where(i => i % 7 != 0).ToDictionary(i => i, _ => (random.NextSingle() * 40) - 20);
        var options = new InferenceOptions { LogitBias = bias, Temperature = 0 };
        int expected = Enumerable.Range(0, logits.Length).MaxBy(i => logits[i] + bias.GetValueOrDefault(i));
        Assert.Equal(expected, new TokenSampler(options, 1, logits.Length).Next(logits, [1]));
    }

    private static IEnumerable<InferenceOptions> Kinds()
    {
        var all = new InferenceOptions { Temperature = 1, TopK = 0, TopP = 1, MinP = 0 };
        yield return all;
        yield return all with { Temperature = 0 };
        yield return all with { TopK = 5 };
        yield return all with { TopK = 5, TypicalP = 0.9f };
        yield return all with { TypicalP = 0.9f };
        yield return all with { TypicalP = 0.9f, TopP = 0.9f, MinP = 0.01f };
        yield return all with { TypicalP = 0.9f, MinP = 0.01f };
        yield return all with { TopP = 0.9f };
        yield return all with { TopP = 0.9f, MinP = 0.01f };
        yield return all with { MinP = 0.01f };
        yield return all with { PenaltyLastN = 4, RepeatPenalty = 1.1f };
        yield return new();
    }

    private static InferenceOptions Options(Random random)
    {
        bool plain = random.Next(2) == 0;
        return new()
        {
            Temperature = plain || random.Next(4) > 0 ? 0.2f + (2 * random.NextSingle()) : 0,
            TopK = random.Next(2) == 0 ? 0 : random.Next(1, random.Next(2) == 0 ? 100 : 5000),
            TypicalP = random.Next(4) > 0 ? 1 : 0.2f + (0.79f * random.NextSingle()),
            TopP = random.Next(2) == 0 ? 1 : 0.2f + (0.79f * random.NextSingle()),
            MinP = random.Next(2) == 0 ? 0 : 0.2f * random.NextSingle(),
            PenaltyLastN = plain ? 0 : random.Next(1, 300),
            RepeatPenalty = plain ? 1 : 0.8f + random.NextSingle(),
            FrequencyPenalty = plain ? 0 : random.NextSingle() - 0.5f,
            PresencePenalty = plain ? 0 : random.NextSingle() - 0.5f,
            LogitBias = plain ? null : Enumerable.Range(0, random.Next(1, 100)).ToDictionary(
                i => i * 3, _ => random.Next(5) == 0 ? float.NegativeInfinity : (random.NextSingle() * 4) - 2),
        };
    }

    // All different: what is equal has no order in llama.cpp.
    private static float[] Logits(Random random)
    {
        int count = 300 + random.Next(random.Next(2) == 0 ? 1000 : 20_000);
        float width = 1 + (random.NextSingle() * 5);
        var logits = new HashSet<float>();
        while (logits.Count < count)
            logits.Add(width * (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
        return [.. logits];
    }

    private static Dictionary<int, double> Probabilities(Span<llama_token_data> left)
    {
        double highest = left.ToArray().Max(c => c.logit), sum = 0;
        foreach (llama_token_data c in left)
            sum += Math.Exp(c.logit - highest);
        return left.ToArray().ToDictionary(c => c.id, c => Math.Exp(c.logit - highest) / sum);
    }

    private sealed class Fixed(ulong[] allowed) : ITokenMask
    {
        public ReadOnlySpan<ulong> After(ReadOnlySpan<int> log) => allowed;

        public void Rewind(int length)
        {
        }
    }
}
