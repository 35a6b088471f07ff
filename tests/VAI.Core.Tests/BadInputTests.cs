namespace VAI.Core.Tests;

public sealed class BadInputTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Files_that_are_no_models_are_refused_with_a_reason()
    {
        byte[] whole = await File.ReadAllBytesAsync(Models["tiny"]);
        await RefusedAsync<VaiUsageException>(VaiError.FileNotFound, "/nowhere/model.gguf");
        await RefusedAsync<VaiUsageException>(VaiError.FileNotFound, Path.GetTempPath());
        await RefusedAsync<VaiUsageException>(VaiError.FileNotReadable, "/proc/self/mem");
        await RefusedAsync<VaiModelException>(VaiError.MalformedModel, Written("empty", []));
        await RefusedAsync<VaiModelException>(VaiError.MalformedModel, Written("magic", [0x47, 0x47, 0x4D, 0x4C, .. whole.AsSpan(4)]));
        foreach (int length in (int[])[3, 7, 20, 100, 5_000, 60_000, whole.Length / 2, whole.Length - 1])
            await RefusedAsync<VaiModelException>(VaiError.MalformedModel, Written("cut", whole[..length]));
        await RefusedAsync<VaiModelException>(
            VaiError.ModelRejected, Written("architecture", Replaced(whole, "llama"u8, "lamma"u8)), "lamma");
        await RefusedAsync<VaiModelException>(
            VaiError.NoTokenizer, Written("tokenizer", Replaced(whole, "tokenizer.ggml.model"u8, "tokenizer.ggml.mobel"u8)));
    }

    /// <summary>Each of these ended the process before the gate knew of it: found by loading mutated files.</summary>
    [Theory]
    [InlineData("tiny-qwen2", "qwen2.attention.head_count", 200u, "head")]
    [InlineData("tiny-qwen2", "qwen2.attention.key_length", 0u, "key length")]
    [InlineData("tiny-bert", "bert.pooling_type", 255u, "pooling_type")]
    [InlineData("tiny-bert", "bert.pooling_type", 0u, "pools by method 0")]
    [InlineData("tiny-qwen3", "qwen3.block_count", 514u, "block_count")]
    public async Task Metadata_that_llama_cpp_would_abort_on_is_refused(string shape, string key, uint value, string mentions)
    {
        byte[] bytes = await File.ReadAllBytesAsync(Models[shape]);
        int at = bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(key)) + key.Length;

        // After a key come the type of its value (4 is uint32) and the value.
        Assert.Equal(4, BitConverter.ToInt32(bytes, at));
        BitConverter.TryWriteBytes(bytes.AsSpan(at + 4), value);
        await RefusedAsync<VaiModelException>(VaiError.InvalidModel, Written("metadata", bytes), mentions);
    }

    [Fact]
    public async Task Options_out_of_range_are_refused_before_any_native_call()
    {
        await RefusedAsync(m => m.ContextLength = 0);
        await RefusedAsync(m => m.ContextLength = -1);
        await RefusedAsync(m => m.ContextLength = 1 << 20);
        await RefusedAsync(m => m.SramTokens = 1);
        await RefusedAsync(m => m.MaxSessions = 0);
        await RefusedAsync(m => m.MaxSessions = 257);
        await RefusedAsync(m => m.BatchSize = 0);
        await RefusedAsync(m => (m.BatchSize, m.MicroBatchSize, m.MaxSessions) = (16, 25, 8));
        await RefusedAsync(m => (m.Profile, m.FlashAttention) = (RomProfile.Exact, FlashAttention.On));
        await RefusedAsync(m => (m.Profile, m.ValueType) = (RomProfile.Exact, KvType.Q8_0));
        await RefusedAsync(m => m.KeyType = (KvType)77);
        await RefusedAsync(m => (m.ValueType, m.FlashAttention) = (KvType.Q8_0, FlashAttention.Off));
        await RefusedAsync(m => m.GpuLayers = -2);
        await RefusedAsync(m => m.MainGpu = 3);
        await RefusedAsync(m => m.TensorSplit = [float.NaN]);
        await RefusedAsync(m => m.Name = new string('x', 129));
        await RefusedAsync(m => m.File += "\0x");
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Vai.Create(o => o.Threads = 0)).Code);

        async Task RefusedAsync(Action<ModelOptions> configure) => await ThrowsAsync<VaiUsageException>(
            VaiError.InvalidOption,
            async () =>
            {
                (IVai vai, _) = await LoadAsync(Models["tiny"], configure);
                await vai.DisposeAsync();
            });
    }

    [Fact]
    public async Task Inference_options_out_of_range_are_refused_by_the_call()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        InferenceOptions[] wrong =
        [
            new() { MaxTokens = 0 }, new() { MaxTokens = -5 }, new() { Temperature = -1 }, new() { Temperature = float.NaN },
            new() { TopK = -1 }, new() { TopP = 0 }, new() { TopP = 1.1f }, new() { MinP = -0.1f }, new() { TypicalP = 0 },
            new() { RepeatPenalty = 0 }, new() { FrequencyPenalty = 11 }, new() { PresencePenalty = float.PositiveInfinity },
            new() { PenaltyLastN = int.MaxValue }, new() { Stop = [""] }, new() { Stop = new string[17] },
            new() { LogitBias = new Dictionary<int, float> { [-1] = 1 } },
            new() { LogitBias = new Dictionary<int, float> { [int.MaxValue] = 1 } },
            new() { LogitBias = new Dictionary<int, float> { [1] = float.NaN } },
            new() { LogitBias = new Dictionary<int, float> { [1] = 1.1e6f } }, new() { LogProbabilities = -1 }, new() { LogProbabilities = 21 },
            new() { PromptLogProbabilities = true },
        ];
        foreach (InferenceOptions options in wrong)
            Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => session.InferAsync(Prompt, options)).Code);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => session.InferAsync(new[] { -1 })).Code);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => session.InferAsync(new[] { int.MaxValue })).Code);
        Assert.Throws<VaiUsageException>(() => model.OpenSession(new SessionOptions { BufferedUpdates = 0 }));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => ReadAsync(session.InferAsync(ReadOnlyMemory<int>.Empty)));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => model.DetokenizeAsync([-1]).AsTask());
        await ThrowsAsync<VaiUsageException>(VaiError.NotSupported, () => model.EmbedAsync("x").AsTask());
        Assert.Equal(4, (await ReadAsync(session.InferAsync(Prompt, Greedy(4)))).Tokens.Count);
    }

    [Fact]
    public async Task A_prompt_longer_than_the_context_is_refused_and_the_session_stays_as_it_was()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ContextLength = 64);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        IReadOnlyList<int> before = session.Tokens;
        VaiUsageException error = await ThrowsAsync<VaiUsageException>(
            VaiError.ContextFull, () => ReadAsync(session.InferAsync(new int[64 - before.Count])));
        Assert.Contains("context of 64", error.Message);
        Assert.Equal(before, session.Tokens);
        Assert.Single((await ReadAsync(session.InferAsync(new int[63 - before.Count]))).Tokens);
    }

    [Fact]
    public async Task A_full_bank_is_an_error_only_for_who_will_not_wait()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.MaxSessions = 1);
        await using IVai _ = vai;
        await using IInferenceSession a = model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        await using IInferenceSession b = model.OpenSession();

        // Where there is room it is taken at once.
        Assert.Single((await ReadAsync(b.InferAsync(new int[10], Greedy(1) with { SramWait = TimeSpan.Zero }))).Tokens);
        await b.RollbackAsync();
        IAsyncEnumerator<InferenceUpdate> running = a.InferAsync(new int[20], Greedy(1900)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        await ThrowsAsync<VaiUsageException>(
            VaiError.SramFull, () => ReadAsync(b.InferAsync(new int[100], Greedy(1) with { SramWait = TimeSpan.Zero })));
        Assert.Equal(0, b.TokenCount);

        Task<Response> waiting = ReadAsync(b.InferAsync(new int[100], Greedy(1)));
        Assert.True(await running.MoveNextAsync());
        await running.DisposeAsync();
        Assert.Single((await waiting).Tokens);
        Assert.Single((await ReadAsync(a.InferAsync(new int[1], Greedy(1)))).Tokens);
    }

    [Fact]
    public async Task A_deadline_ends_a_transaction_with_what_it_has()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.MaxSessions = 1);
        await using IVai _ = vai;
        await using IInferenceSession a = model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        await using IInferenceSession b = model.OpenSession();
        Task<Response> cut = ReadAsync(a.InferAsync(new int[20], Greedy(1900) with { Deadline = TimeSpan.FromMilliseconds(200) }));
        await ThrowsAsync<VaiUsageException>(
            VaiError.DeadlineExceeded, () => ReadAsync(b.InferAsync(new int[100], Greedy(1) with { Deadline = TimeSpan.Zero })));
        Assert.Equal(0, b.TokenCount);
        Response response = await cut;
        Assert.Equal(FinishReason.Deadline, response.Result!.FinishReason);
        Assert.InRange(response.Tokens.Count, 1, 1899);
        Assert.Equal(20 + response.Tokens.Count, a.TokenCount);
    }

    [Fact]
    public async Task A_busy_session_refuses_a_second_transaction()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(500)))
        {
            await ThrowsAsync<VaiUsageException>(VaiError.SessionBusy, () => ReadAsync(session.InferAsync(Prompt)));
            Assert.Equal(VaiError.SessionBusy, Assert.Throws<VaiUsageException>(() => session.Tokens).Code);
            break;
        }

        Assert.Equal(2, (await ReadAsync(session.InferAsync(Prompt, Greedy(2)))).Tokens.Count);
    }

    private static async Task RefusedAsync<TError>(VaiError code, string file, string mentions = "")
        where TError : VaiException
    {
        TError error = await ThrowsAsync<TError>(code, async () =>
        {
            (IVai vai, _) = await LoadAsync(file);
            await vai.DisposeAsync();
        });
        Assert.Contains(file, error.Message);
        Assert.Contains(mentions, error.Message);
    }

    private string Written(string name, byte[] bytes)
    {
        string file = Models.NewFile($"bad-{name}.gguf");
        File.WriteAllBytes(file, bytes);
        return file;
    }

    // Every occurrence before the weights: the architecture's name is a part of its keys as well.
    private static byte[] Replaced(byte[] bytes, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        byte[] copy = [.. bytes];
        int found = 0;
        for (Span<byte> rest = copy; rest.IndexOf(from) is var at and >= 0; rest = rest[(at + from.Length)..], found++)
            to.CopyTo(rest[at..]);
        Assert.True(found > 0, "the pattern is not in the file");
        return copy;
    }
}
