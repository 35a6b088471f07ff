using System.Numerics;
using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>A bounded description of a sampler chain; the caller has checked the ranges.</summary>
internal sealed record LlamaSamplerSettings
{
    /// <summary>0 is greedy: the most likely token.</summary>
    public float Temperature { get; init; }
    public int TopK { get; init; }
    public float TopP { get; init; } = 1;
    public float MinP { get; init; }
    public float TypicalP { get; init; } = 1;
    public float RepeatPenalty { get; init; } = 1;
    public float FrequencyPenalty { get; init; }
    public float PresencePenalty { get; init; }
    public int PenaltyLastN { get; init; }
    public uint Seed { get; init; }
    public IReadOnlyCollection<KeyValuePair<int, float>>? LogitBias { get; init; }
}

/// <summary>
/// Chooses a token: a llama.cpp sampler chain, in the order of llama.cpp's own tools, narrows the candidates, and the draw
/// among them is keyed by seed and position. So it depends on nothing that was drawn before, and a session that was parked,
/// forked or rebuilt goes on as if nothing had happened. Used by one thread at a time.
/// </summary>
internal sealed unsafe class LlamaSampler : IDisposable
{
    private readonly bool _greedy;
    private readonly uint _seed;
    private readonly KeyValuePair<int, float>[] _biases;
    private int _members;

    public LlamaSampler(LlamaVocab vocab, LlamaSamplerSettings s)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        _seed = s.Seed;
        _greedy = s.Temperature <= 0;
        Handle = new LlamaSamplerHandle(LlamaNative.llama_sampler_chain_init(new llama_sampler_chain_params { no_perf = 1 }));
        _biases = s.LogitBias?.ToArray() ?? [];
        if (s.PenaltyLastN > 0 && (s.RepeatPenalty != 1 || s.FrequencyPenalty != 0 || s.PresencePenalty != 0))
        {
            Add(library.Abi.Context.PenaltiesTakeVocabulary
                ? LlamaNative.llama_sampler_init_penalties(
                    vocab.Count, s.PenaltyLastN, s.RepeatPenalty, s.FrequencyPenalty, s.PresencePenalty)
                : LlamaNative.llama_sampler_init_penalties(
                    s.PenaltyLastN, s.RepeatPenalty, s.FrequencyPenalty, s.PresencePenalty));
        }

        if (_greedy)
            return;
        if (s.TopK > 0)
            Add(LlamaNative.llama_sampler_init_top_k(s.TopK));
        if (s.TypicalP < 1)
            Add(LlamaNative.llama_sampler_init_typical(s.TypicalP, 1));
        if (s.TopP < 1)
            Add(LlamaNative.llama_sampler_init_top_p(s.TopP, 1));
        if (s.MinP > 0)
            Add(LlamaNative.llama_sampler_init_min_p(s.MinP, 1));
        Add(LlamaNative.llama_sampler_init_temp(s.Temperature));
    }

    public LlamaSamplerHandle Handle { get; }

    /// <summary>Tells the chain of a token, its own or one of the prompt's.</summary>
    public void Accept(int token)
    {
        if (_members > 0)
            LlamaNative.llama_sampler_accept(Handle, token);
    }

    /// <summary>Chooses the token for a position.</summary>
    /// <param name="logits">One for each token of the vocabulary. The biases are added in place: once for each step.</param>
    /// <param name="candidates">Scratch of the same length.</param>
    /// <param name="position">The position in its sequence that the token is for.</param>
    public int Choose(Span<float> logits, Span<llama_token_data> candidates, int position)
    {
        // Not llama.cpp's sampler for it, which would need a list of all candidates even where the highest logit is all that counts.
        foreach ((int token, float bias) in _biases)
            logits[token] += bias;
        if (_members == 0 && _greedy)
            return Highest(logits);
        for (int i = 0; i < logits.Length; i++)
            candidates[i] = new llama_token_data { id = i, logit = logits[i] };
        fixed (llama_token_data* data = candidates)
        {
            var narrowed = new llama_token_data_array { data = data, size = (nuint)logits.Length, selected = -1 };
            LlamaNative.llama_sampler_apply(Handle, ref narrowed);
            var left = new Span<llama_token_data>(narrowed.data, (int)narrowed.size);
            return _greedy ? Highest(left) : Draw(left, Uniform(_seed, position));
        }
    }

    public void Dispose() => Handle.Dispose();

    // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) over the key; 53 bits of it.
    private static double Uniform(uint seed, int position)
    {
        ulong z = ((ulong)seed << 32) | (uint)position;
        for (int i = 0; i < 2; i++)
        {
            z += 0x9E37_79B9_7F4A_7C15;
            z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
            z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
            z ^= z >> 31;
        }

        return (z >> 11) * (1.0 / (1UL << 53));
    }

    private static int Draw(Span<llama_token_data> left, double uniform)
    {
        float highest = float.NegativeInfinity;
        foreach (ref llama_token_data c in left)
            highest = Math.Max(highest, c.logit);
        double sum = 0;
        foreach (ref llama_token_data c in left)
            sum += c.p = (float)Math.Exp(c.logit - highest);
        double rest = uniform * sum;
        foreach (ref llama_token_data c in left)
        {
            rest -= c.p;
            if (rest < 0)
                return c.id;
        }

        return Highest(left);
    }

    private static int Highest(Span<llama_token_data> left)
    {
        int best = 0;
        for (int i = 1; i < left.Length; i++)
            best = left[i].logit > left[best].logit ? i : best;
        return left[best].id;
    }

    // The first of the highest, as llama.cpp's greedy sampler; what is not a number is never higher. A block that has it is searched
    // while it lies in the first cache.
    internal static int Highest(ReadOnlySpan<float> logits)
    {
        const int Block = 2048;
        float best = float.NegativeInfinity;
        int at = 0;
        for (int start = 0; start < logits.Length; start += Block)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + Block, logits.Length)];
            if (Max(block) is var highest && highest > best)
                (best, at) = (highest, start + block.IndexOf(highest));
        }

        return at;
    }

    private static float Max(ReadOnlySpan<float> logits)
    {
        // Two, so that one comparison need not wait for the other.
        Vector<float> a = new(float.NegativeInfinity), b = a;
        int i = 0;
        for (; i <= logits.Length - (2 * Vector<float>.Count); i += 2 * Vector<float>.Count)
        {
            a = Higher(new Vector<float>(logits[i..]), a);
            b = Higher(new Vector<float>(logits[(i + Vector<float>.Count)..]), b);
        }

        a = Higher(a, b);
        float highest = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
            highest = a[lane] > highest ? a[lane] : highest;
        for (; i < logits.Length; i++)
            highest = logits[i] > highest ? logits[i] : highest;
        return highest;

        static Vector<float> Higher(Vector<float> value, Vector<float> than) =>
            Vector.ConditionalSelect(Vector.GreaterThan(value, than), value, than);
    }

    private void Add(nint sampler)
    {
        if (sampler == 0)
        {
            Handle.Dispose();
            throw new VaiEngineException(VaiError.NativeFailure, "llama.cpp could not create a sampler.");
        }

        LlamaNative.llama_sampler_chain_add(Handle, sampler);
        _members++;
    }
}
