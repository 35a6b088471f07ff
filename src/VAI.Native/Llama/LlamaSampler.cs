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

/// <summary>A llama.cpp sampler chain, in the order of llama.cpp's own tools. Used by one thread at a time.</summary>
internal sealed unsafe class LlamaSampler : IDisposable
{
    public LlamaSampler(LlamaVocab vocab, LlamaSamplerSettings s)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        Handle = new LlamaSamplerHandle(LlamaNative.llama_sampler_chain_init(new llama_sampler_chain_params { no_perf = 1 }));
        if (s.LogitBias is { Count: > 0 } biases)
        {
            llama_logit_bias[] array = [.. biases.Select(b => new llama_logit_bias { token = b.Key, bias = b.Value })];
            fixed (llama_logit_bias* pointer = array)
                Add(LlamaNative.llama_sampler_init_logit_bias(vocab.Count, array.Length, pointer));
        }

        if (s.PenaltyLastN > 0 && (s.RepeatPenalty != 1 || s.FrequencyPenalty != 0 || s.PresencePenalty != 0))
        {
            Add(library.Abi.Context.PenaltiesTakeVocabulary
                ? LlamaNative.llama_sampler_init_penalties(
                    vocab.Count, s.PenaltyLastN, s.RepeatPenalty, s.FrequencyPenalty, s.PresencePenalty)
                : LlamaNative.llama_sampler_init_penalties(
                    s.PenaltyLastN, s.RepeatPenalty, s.FrequencyPenalty, s.PresencePenalty));
        }

        if (s.Temperature <= 0)
        {
            Add(LlamaNative.llama_sampler_init_greedy());
            return;
        }

        if (s.TopK > 0)
            Add(LlamaNative.llama_sampler_init_top_k(s.TopK));
        if (s.TypicalP < 1)
            Add(LlamaNative.llama_sampler_init_typical(s.TypicalP, 1));
        if (s.TopP < 1)
            Add(LlamaNative.llama_sampler_init_top_p(s.TopP, 1));
        if (s.MinP > 0)
            Add(LlamaNative.llama_sampler_init_min_p(s.MinP, 1));
        Add(LlamaNative.llama_sampler_init_temp(s.Temperature));
        Add(LlamaNative.llama_sampler_init_dist(s.Seed));
    }

    public LlamaSamplerHandle Handle { get; }

    /// <summary>Tells the chain of a token it did not sample itself, such as one of the prompt's.</summary>
    public void Accept(int token) => LlamaNative.llama_sampler_accept(Handle, token);

    public void Dispose() => Handle.Dispose();

    private void Add(nint sampler)
    {
        if (sampler == 0)
        {
            Handle.Dispose();
            throw new VaiEngineException(VaiError.NativeFailure, "llama.cpp could not create a sampler.");
        }

        LlamaNative.llama_sampler_chain_add(Handle, sampler);
    }
}
