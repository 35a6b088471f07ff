namespace VAI.Native.Tests.Gguf;

/// <summary>What the gate reads of a model, and which models it lets through.</summary>
public class GgufModelInfoTests
{
    [Fact]
    public void A_dense_model_is_summed_up()
    {
        using var file = GgufFile.Parse(GgufSamples.Llama().Build(), "sample");
        var info = GgufModelInfo.From(file);
        info.Validate();

        Assert.Equal(("llama", "Sample", 2L, 16L, 128L), (info.Architecture, info.Name, info.Layers, info.EmbeddingLength, info.ContextLength));
        Assert.Equal([4], info.Heads!);
        Assert.Equal([2, 0], info.KvHeads!);
        Assert.Equal(("llama", "default", 8L, 1L, 2L), (info.TokenizerModel, info.TokenizerPre, info.VocabularySize, info.BosId, info.EosId));
        Assert.Equal((2, 16L * 8 * 2 + 16 * 4, 16L * 8 + 16), (info.TensorCount, info.TensorBytes, info.Parameters));
        Assert.Equal(new GgufTypeUse(GgmlType.F16, 1, 256), info.TensorTypes[0]);
        Assert.Equal("{{ messages }}", info.ChatTemplate);
        Assert.Equal(file.Length, info.FileBytes);
    }

    [Fact]
    public void A_mixture_of_experts_is_summed_up()
    {
        using var file = GgufFile.Parse(GgufSamples.Moe().Build(), "sample");
        var info = GgufModelInfo.From(file);
        info.Validate();

        Assert.Equal((4L, 2L), (info.Experts, info.ExpertsUsed));
        Assert.Equal(GgmlType.Q4_K, info.TensorTypes[0].Type);
    }

    [Fact]
    public void A_file_without_a_model_is_summed_up_but_not_loaded()
    {
        using var file = GgufFile.Parse(GgufSamples.EveryType().Build(), "sample");
        var info = GgufModelInfo.From(file);

        Assert.Null(info.Architecture);
        Assert.Contains("'general.architecture' is missing", Assert.Throws<VaiModelException>(info.Validate).Message);
    }

    [Theory]
    [InlineData("block_count", 0u, "0 is not in 1..512")]
    [InlineData("block_count", 513u, "513 is not in 1..512")]
    [InlineData("embedding_length", 0u, "0 is not in 1..1048576")]
    [InlineData("context_length", 0x40000001u, "is not in 1..1073741824")]
    [InlineData("feed_forward_length", 0x01000001u, "is not in 0..16777216")]
    [InlineData("pooling_type", 5u, "5 is not in 0..4")]
    [InlineData("attention.head_count", 4097u, "4097 is not in 0..4096")]
    [InlineData("attention.head_count_kv", 3u, "3 does not divide the head count 4")]
    [InlineData("rope.dimension_count", uint.MaxValue, "is not in 0..1048576")]
    [InlineData("expert_used_count", 1u, "1 is not in 0..0")]
    [InlineData("expert_count", 1025u, "1025 is not in 0..1024")]
    [InlineData("expert_count", 4u, "'m.expert_used_count' is missing")]
    public void A_dimension_out_of_range_is_refused(string name, uint value, string words) =>
        Refuse(Minimal(name).UInt("m." + name, value), VaiError.InvalidModel, "'m.", words);

    [Theory]
    [InlineData(float.NaN, "not finite")]
    [InlineData(float.PositiveInfinity, "not finite")]
    [InlineData(-1e-5f, "negative")]
    public void An_epsilon_that_llama_cpp_asserts_on_is_refused(float epsilon, string words) =>
        Refuse(Minimal().Float("m.attention.layer_norm_rms_epsilon", epsilon), VaiError.InvalidModel, "layer_norm_rms_epsilon' at byte", words);

    [Fact]
    public void More_experts_used_than_there_are_are_refused() => Refuse(
        Minimal().UInt("m.expert_count", 2).UInt("m.expert_used_count", 3), VaiError.InvalidModel, "expert_used_count", "3 is not in 1..2");

    [Theory]
    [InlineData("")]
    [InlineData("LLaMA")]
    [InlineData("a b")]
    public void An_architecture_that_is_no_name_is_refused(string architecture) => Refuse(
        new GgufBytes().Text("general.architecture", architecture), VaiError.InvalidModel, "general.architecture", "is not 1 to 64");

    [Fact]
    public void A_missing_dimension_is_refused() =>
        Refuse(Minimal("block_count", add: false), VaiError.InvalidModel, "'m.block_count'", "missing");

    [Fact]
    public void A_part_of_a_model_is_refused_on_its_own() => Refuse(
        Minimal().Value("split.count", GgufValueType.UInt16, 2, 0), VaiError.InvalidModel, "'split.count' at byte", "one of 2 parts of a model");

    [Theory]
    [InlineData(null)]
    [InlineData("none")]
    [InlineData("no_vocab")]
    public void A_model_without_a_tokenizer_is_refused(string? tokenizer)
    {
        var bytes = Minimal("tokenizer", add: false);
        if (tokenizer != null)
            bytes.Text("tokenizer.ggml.model", tokenizer);
        Refuse(bytes, VaiError.NoTokenizer, "tokenizer.ggml.model", "no vocabulary");
    }

    [Fact]
    public void A_vocabulary_without_tokens_is_refused() => Refuse(
        Minimal("tokenizer", add: false).Text("tokenizer.ggml.model", "gpt2").Strings("tokenizer.ggml.tokens"),
        VaiError.NoTokenizer, "tokenizer.ggml.tokens", "empty");

    [Theory]
    [InlineData("tokenizer.ggml.scores", GgufValueType.Float32, "1 values do not match the 3 tokens")]
    [InlineData("tokenizer.ggml.token_type", GgufValueType.Int32, "1 values do not match the 3 tokens")]
    [InlineData("tokenizer.ggml.merges", GgufValueType.Int32, "not an array of String")]
    public void A_part_of_the_vocabulary_that_does_not_fit_is_refused(string key, object type, string words) => Refuse(
        Minimal().Array(key, (GgufValueType)type, 1, new byte[4]), VaiError.InvalidModel, $"'{key}' at byte", words);

    [Theory]
    [InlineData("x", "x")]
    [InlineData("x", "x\0y")]
    [InlineData("", "[EMPTY_3]")]
    public void Two_tokens_that_llama_cpp_takes_for_one_are_refused(string first, string second) => Refuse(
        Minimal("tokenizer", add: false).Text("tokenizer.ggml.model", "gpt2").Strings("tokenizer.ggml.tokens", "a", "b", "c", first, second),
        VaiError.InvalidModel, "'tokenizer.ggml.tokens' at byte", "token 4 has the text of an earlier one");

    [Fact]
    public void A_special_token_outside_the_vocabulary_is_refused() => Refuse(
        Minimal().UInt("tokenizer.ggml.bos_token_id", 3), VaiError.InvalidModel, "bos_token_id' at byte", "token 3 is not in 0..2");

    [Fact]
    public void An_embedding_of_another_shape_is_refused() => Refuse(
        Minimal().Tensor("token_embd.weight", GgmlType.F32, 8, 4), VaiError.InvalidModel, "tensor 'token_embd.weight'", "8x4x1x1 is not");

    [Fact]
    public void What_published_models_do_is_accepted()
    {
        // Without attention; a padding token past the end; no such token, in both spellings; a scalar 0.
        Accept(Minimal().UInt("m.attention.head_count", 0).UInt("m.feed_forward_length", 0));
        Accept(Minimal().UInt("tokenizer.ggml.padding_token_id", 3).UInt("tokenizer.ggml.unknown_token_id", uint.MaxValue));
        Accept(Minimal().Value("tokenizer.ggml.eos_token_id", GgufValueType.Int32, 255, 255, 255, 255));
        Accept(Minimal().UInts("m.attention.head_count", 4, 0).UInt("split.count", 1).UInt("m.expert_count", 0));
        Accept(Minimal().Tensor("token_embd.weight", GgmlType.F32, 8, 3).Tensor("scale", GgmlType.F32));
    }

    // The least that can be loaded, or the same without one value, which the test then writes itself.
    private static GgufBytes Minimal(string except = "", bool add = true)
    {
        var bytes = new GgufBytes().Text("general.architecture", "m");
        foreach ((string name, uint value) in new[] { ("block_count", 2u), ("embedding_length", 8u), ("context_length", 64u) })
        {
            if (name != except)
                bytes.UInt("m." + name, value);
        }

        if (add && except == "attention.head_count_kv")
            bytes.UInt("m.attention.head_count", 4);
        return except == "tokenizer" ? bytes
            : bytes.Text("tokenizer.ggml.model", "gpt2").Strings("tokenizer.ggml.tokens", "a", "b", "c");
    }

    private static void Accept(GgufBytes bytes)
    {
        using var file = GgufFile.Parse(bytes.Build(), "model.gguf");
        GgufModelInfo.From(file).Validate();
    }

    private static void Refuse(GgufBytes bytes, VaiError code, string field, string words)
    {
        var error = Assert.Throws<VaiModelException>(() => Accept(bytes));
        Assert.Equal(code, error.Code);
        Assert.StartsWith("model.gguf: ", error.Message);
        Assert.Contains(field, error.Message);
        Assert.Contains(words, error.Message);
    }
}
