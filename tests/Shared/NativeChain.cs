using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Tests;

/// <summary>
/// What VAI's sampling is compared with: llama.cpp's own samplers, in the order of its own tools, and the draw by seed and position
/// written out once more.
/// </summary>
internal sealed unsafe class NativeChain : IDisposable
{
    private readonly bool _greedy;
    private readonly uint _seed;
    private readonly KeyValuePair<int, float>[] _biases;
    private llama_token_data[] _candidates = [];
    private int _members;

    public NativeChain(int vocabulary, InferenceOptions s)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        _seed = s.Seed ?? 0;
        _greedy = s.Temperature <= 0;
        Handle = new LlamaSamplerHandle(LlamaNative.llama_sampler_chain_init(new llama_sampler_chain_params { no_perf = 1 }));
        _biases = s.LogitBias?.ToArray() ?? [];
        if (s.PenaltyLastN > 0 && (s.RepeatPenalty != 1 || s.FrequencyPenalty != 0 || s.PresencePenalty != 0))
        {
            Add(library.Abi.Context.PenaltiesTakeVocabulary
                ? LlamaNative.llama_sampler_init_penalties(
                    vocabulary, s.PenaltyLastN, s.RepeatPenalty, s.FrequencyPenalty, s.PresencePenalty)
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

    /// <summary>
    /// Whether equal logits go by their ids, as VAI has it: llama.cpp sorts by the logit alone, and leaves them in any order. Which of them a cut
    /// keeps stays llama.cpp's.
    /// </summary>
    public bool OrdersEqual { get; init; }

    private LlamaSamplerHandle Handle { get; }

    /// <summary>Tells the chain of a token, its own or one of the prompt's.</summary>
    public void Accept(int token)
    {
        if (_members > 0)
            LlamaNative.llama_sampler_accept(Handle, token);
    }

    /// <summary>Chooses the token for a position. The biases are added in place.</summary>
    public int Choose(Span<float> logits, int position)
    {
        Span<llama_token_data> left = Narrow(logits);
        return _greedy ? Highest(left) : Draw(left, Uniform(_seed, position));
    }

    /// <summary>What the chain leaves, in its order. Valid until the next call.</summary>
    public Span<llama_token_data> Narrow(Span<float> logits)
    {
        foreach ((int token, float bias) in _biases)
            logits[token] += bias;
        if (_candidates.Length != logits.Length)
            _candidates = new llama_token_data[logits.Length];
        for (int i = 0; i < logits.Length; i++)
            _candidates[i] = new llama_token_data { id = i, logit = logits[i] };
        fixed (llama_token_data* data = _candidates)
        {
            var narrowed = new llama_token_data_array { data = data, size = (nuint)logits.Length, selected = -1 };
            LlamaNative.llama_sampler_apply(Handle, ref narrowed);
            Span<llama_token_data> left = _candidates.AsSpan(0, (int)narrowed.size);
            if (OrdersEqual)
                OrderEqual(left);
            return left;
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

    // Equal ones are neighbours, whatever they were sorted by.
    private static void OrderEqual(Span<llama_token_data> left)
    {
        for (int from = 0, to = 1; from < left.Length; from = to++)
        {
            while (to < left.Length && left[to].logit == left[from].logit)
                to++;
            left[from..to].Sort(static (a, b) => a.id.CompareTo(b.id));
        }
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

    private void Add(nint sampler)
    {
        if (sampler == 0)
            throw new InvalidOperationException("llama.cpp could not create a sampler.");
        LlamaNative.llama_sampler_chain_add(Handle, sampler);
        _members++;
    }
}
