namespace VAI.Native.Tests.Gguf;

/// <summary>Small files of the shapes real ones have.</summary>
internal static class GgufSamples
{
    private static readonly string[] Tokens = ["<unk>", "<s>", "</s>", "a", "b", "ab", "c", "▁"];

    /// <summary>A dense model with everything a llama has.</summary>
    public static GgufBytes Llama(uint version = 3) => Body(new GgufBytes { Version = version }, "llama");

    /// <summary>A mixture of experts in quantised types, with values per layer and its own alignment.</summary>
    public static GgufBytes Moe() => Body(new GgufBytes { Alignment = 64 }, "qwen3moe")
        .UInt("general.alignment", 64)
        .UInt("qwen3moe.expert_count", 4)
        .UInt("qwen3moe.expert_used_count", 2)
        .UInts("qwen3moe.attention.sliding_window_pattern", 1, 0)
        .Tensor("blk.0.ffn_up_exps.weight", GgmlType.Q4_K, 256, 2, 4)
        .Tensor("blk.0.ffn_down_exps.weight", GgmlType.MXFP4, 32, 4, 4);

    /// <summary>An array and a scalar of every value type, and no model.</summary>
    public static GgufBytes EveryType()
    {
        var bytes = new GgufBytes();
        foreach (GgufValueType type in Enum.GetValues<GgufValueType>())
        {
            int size = GgufValueTypes.Size(type);
            if (size == 0)
                continue;
            bytes.Value($"scalar.{type}", type, Ones(size)).Array($"array.{type}", type, 3, Ones(size * 3));
        }

        return bytes.Text("scalar.text", "text").Strings("array.text", "", "one", "two").Strings("array.none");
    }

    private static byte[] Ones(int length) => Enumerable.Repeat((byte)1, length).ToArray();

    private static GgufBytes Body(GgufBytes bytes, string architecture) => bytes
        .Text("general.architecture", architecture)
        .Text("general.name", "Sample")
        .UInt("general.file_type", 1)
        .UInt($"{architecture}.block_count", 2)
        .UInt($"{architecture}.embedding_length", 16)
        .UInt($"{architecture}.context_length", 128)
        .UInt($"{architecture}.feed_forward_length", 32)
        .UInt($"{architecture}.attention.head_count", 4)
        .UInts($"{architecture}.attention.head_count_kv", 2, 0)
        .Float($"{architecture}.attention.layer_norm_rms_epsilon", 1e-5f)
        .Float($"{architecture}.rope.freq_base", 10000)
        .Text("tokenizer.ggml.model", "llama")
        .Text("tokenizer.ggml.pre", "default")
        .Strings("tokenizer.ggml.tokens", Tokens)
        .Array("tokenizer.ggml.scores", GgufValueType.Float32, 8, new byte[32])
        .Array("tokenizer.ggml.token_type", GgufValueType.Int32, 8, new byte[32])
        .Strings("tokenizer.ggml.merges", "a b")
        .UInt("tokenizer.ggml.bos_token_id", 1)
        .UInt("tokenizer.ggml.eos_token_id", 2)
        .UInt("tokenizer.ggml.padding_token_id", uint.MaxValue)
        .Value("tokenizer.ggml.add_bos_token", GgufValueType.Bool, 1)
        .Text("tokenizer.chat_template", "{{ messages }}")
        .Tensor("token_embd.weight", GgmlType.F16, 16, 8)
        .Tensor("output_norm.weight", GgmlType.F32, 16);
}
