namespace VAI.Daemon.Tests.Api;

/// <summary>What an <see cref="IVai"/> promises, whoever answers.</summary>
[Collection(ApiCollection.Name)]
public abstract partial class VaiConformance(ForgedModels models)
{
    protected const string Prompt = "Write Verilog AND gate";

    protected ForgedModels Models { get; } = models;

    [Fact]
    public async Task A_model_is_loaded_selected_and_unloaded()
    {
        await using Rig rig = await StartAsync(o => o.AddModel("a", Models["tiny"], Plain).AddModel("b", Models["tiny"], Plain));
        IVai vai = rig.Vai;
        Assert.Empty(vai.Models);
        var phases = new List<LoadPhase>();
        ModelHandle a = await vai.LoadAsync("a", new Listener(phases));
        Assert.Contains(LoadPhase.Done, phases);
        Assert.Equal(a, await vai.LoadAsync("a"));

        IModelContext model = vai.Select(a);
        Assert.Same(model, vai.Select("a"));
        Assert.Equal("a", model.Name);
        Assert.Equal(a, model.Handle);
        Assert.Equal("llama", model.Info.Architecture);
        Assert.Equal(2048, model.Info.VocabularySize);
        Assert.Equal(2048, model.ContextLength);
        Assert.True(model.LoadTime > TimeSpan.Zero);
        Assert.NotNull(model.Memory);
        Assert.Equal(OnGpu, model.OnGpu);

        ModelHandle b = await vai.LoadAsync("b");
        Assert.Equal(["a", "b"], vai.Models.Select(m => m.Name));
        await vai.UnloadAsync(a);
        Assert.Equal(["b"], vai.Models.Select(m => m.Name));
        Fails<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.Select(a));
        Fails<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.Select("a"));
        await FailsAsync<VaiUsageException>(VaiError.ModelNotLoaded, async () => await vai.UnloadAsync(a));
        await FailsAsync<VaiUsageException>(VaiError.ModelNotLoaded, async () => await model.TokenizeAsync("x"));

        ModelHandle again = await vai.LoadAsync("a");
        Assert.NotEqual(a, again);
        Fails<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.Select(a));
        Assert.Equal("b", vai.Select(b).Name);
    }

    [Fact]
    public async Task Devices_are_listed_with_what_models_have_of_them()
    {
        await using Rig rig = await LoadAsync();
        IReadOnlyList<ComputeDevice> devices = await rig.Vai.DevicesAsync();
        Assert.Equal("CPU", Assert.Single(devices, d => d.IsCpu).Name);
        Assert.All(devices, d => Assert.InRange(d.FreeMemory, 0, d.TotalMemory));
        Assert.Equal(rig.Model.Memory!.Devices.Where(d => !d.OnHost).Sum(d => d.Bytes), devices.Sum(d => d.ModelMemory));
        Assert.Equal(OnGpu, devices.Any(d => d.ModelMemory > 0));
    }

    [Fact]
    public async Task What_cannot_be_loaded_says_why()
    {
        string junk = Models.NewFile("gguf");
        await File.WriteAllBytesAsync(junk, new byte[4096]);
        await using Rig rig = await StartAsync(o => o.AddModel("gone", Models.NewFile("gguf")).AddModel("junk", junk).AddModel("m", Models["tiny"], Plain));
        IVai vai = rig.Vai;
        await FailsAsync<VaiUsageException>(VaiError.UnknownModel, async () => await vai.LoadAsync("nobody"));
        Fails<VaiUsageException>(VaiError.UnknownModel, () => vai.Select("nobody"));
        await FailsAsync<VaiUsageException>(VaiError.FileNotFound, async () => await vai.LoadAsync("gone"));
        await FailsAsync<VaiModelException>(VaiError.MalformedModel, async () => await vai.LoadAsync("junk"));
        await FailsAsync<VaiUsageException>(
            VaiError.InvalidOption, async () => await vai.LoadAsync(new ModelOptions { Name = "", File = Models["tiny"] }));
        await FailsAsync<VaiUsageException>(
            VaiError.InvalidOption,
            async () => await vai.LoadAsync(new ModelOptions { Name = "m", File = Models["tiny"], Profile = RomProfile.None, ContextLength = -1 }));
        await vai.LoadAsync("m");
        await FailsAsync<VaiUsageException>(
            VaiError.ModelAlreadyLoaded, async () => await vai.LoadAsync(new ModelOptions { Name = "m", File = Models["tiny-bert"] }));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await vai.LoadAsync("m", null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_model_with_sessions_stays()
    {
        await using Rig rig = await LoadAsync();
        IInferenceSession session = rig.Model.OpenSession();
        Assert.Equal(1, rig.Model.OpenSessions);
        await FailsAsync<VaiUsageException>(VaiError.ModelInUse, async () => await rig.Vai.UnloadAsync(rig.Model.Handle));
        await ReadAsync(session.InferAsync(Prompt, Greedy(2)));
        await FailsAsync<VaiUsageException>(VaiError.ModelInUse, async () => await rig.Vai.UnloadAsync(rig.Model.Handle));
        await session.DisposeAsync();
        Assert.Equal(0, rig.Model.OpenSessions);
        await rig.Vai.UnloadAsync(rig.Model.Handle);
    }

    [Fact]
    public async Task A_plan_says_what_a_load_takes()
    {
        await using Rig rig = await LoadAsync();
        MemoryPlan plan = await rig.Vai.PlanAsync("m");
        Assert.Equal(rig.Model.Memory!.KvBytes, plan.KvBytes);
        Assert.Equal(rig.Model.Memory.SramTokens, plan.SramTokens);
        Assert.Equal(RomProfile.None, plan.Profile);
        MemoryPlan half = await rig.Vai.PlanAsync(
            new ModelOptions { Name = "n", File = Models["tiny"], Profile = RomProfile.None, ContextLength = 1024 });
        Assert.Equal(1024, half.ContextLength);
        await FailsAsync<VaiUsageException>(VaiError.FileNotFound, async () => await rig.Vai.PlanAsync(Models.NewFile("gguf")));
    }

    [Fact]
    public async Task Text_to_tokens_and_back()
    {
        await using Rig rig = await LoadAsync();
        IReadOnlyList<int> with = await rig.Model.TokenizeAsync("gate é");
        IReadOnlyList<int> without = await rig.Model.TokenizeAsync("gate é", addSpecial: false);
        Assert.Equal(without, with.Skip(with.Count - without.Count));
        Assert.Contains("gate é", await rig.Model.DetokenizeAsync(with));
        await FailsAsync<VaiUsageException>(VaiError.InvalidOption, async () => await rig.Model.DetokenizeAsync([2048]));
        string chat = await rig.Model.RenderChatAsync([new ChatTurn("user", "Hello")]);
        Assert.Contains("Hello", chat);
        await FailsAsync<VaiUsageException>(VaiError.InvalidOption, async () => await rig.Model.RenderChatAsync([]));
    }

    [Fact]
    public async Task An_embedding_model_embeds()
    {
        await using Rig rig = await StartAsync(o => o.AddModel("e", Models["tiny-bert"], Plain));
        IModelContext model = rig.Vai.Select(await rig.Vai.LoadAsync("e"));
        ReadOnlyMemory<float> one = await model.EmbedAsync("a gate");
        Assert.Equal(model.Info.EmbeddingLength, one.Length);
        Assert.Equal(1, Math.Sqrt(one.ToArray().Sum(v => (double)v * v)), 3);
        Assert.Equal(one.ToArray(), (await model.EmbedAsync("a gate")).ToArray());
        Fails<VaiUsageException>(VaiError.NotSupported, () => model.OpenSession());
        await FailsAsync<VaiUsageException>(
            VaiError.ContextFull, async () => await model.EmbedAsync(string.Join(' ', Enumerable.Repeat("gate", 1000))));
    }

    [Fact]
    public async Task Many_streams_run_at_once()
    {
        await using Rig rig = await LoadAsync();
        Response[] all = await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            await using IInferenceSession session = rig.Model.OpenSession();
            return await ReadAsync(session.InferAsync(Prompt, Greedy(6)));
        }));
        Assert.All(all, r => Assert.Equal(6, r.Result!.GeneratedTokens));
    }

    protected abstract Task<Rig> StartAsync(Action<VaiOptions> configure);

    /// <summary>Where its models are.</summary>
    protected virtual bool OnGpu => false;

    protected virtual void Plain(ModelOptions model) => model.Profile = RomProfile.None;

    protected async Task<Rig> LoadAsync()
    {
        Rig rig = await StartAsync(o => o.AddModel("m", Models["tiny"], Plain));
        rig.Model = rig.Vai.Select(await rig.Vai.LoadAsync("m"));
        return rig;
    }

    /// <summary>A session that has answered once.</summary>
    private static async Task<IInferenceSession> AskedAsync(IModelContext model)
    {
        IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        return session;
    }

    internal static InferenceOptions Greedy(int tokens) => InferenceOptions.Greedy with { MaxTokens = tokens };

    internal static Task<Response> ReadAsync(IAsyncEnumerable<InferenceUpdate> updates) => Response.ReadAsync(updates);

    private static void AssertKept(IInferenceSession session, IReadOnlyList<int> prompt, List<int> seen)
    {
        IReadOnlyList<int> kept = session.Tokens;
        Assert.Equal(kept.Count, session.TokenCount);
        Assert.Equal([.. prompt, .. seen], kept.Take(prompt.Count + seen.Count));
    }

    // Another session with what this one says it holds goes on with the same tokens.
    private static async Task AssertGoesOnAsync(IModelContext model, IInferenceSession session)
    {
        IReadOnlyList<int> kept = session.Tokens;
        Response one = await ReadAsync(session.InferAsync(" or", Greedy(1)));
        Assert.Equal(kept.Count + one.Result!.PromptTokens + 1, session.TokenCount);
        Assert.Equal(kept, session.Tokens.Take(kept.Count));
        Assert.Same(model, session.Model);
    }

    private static void Fails<TError>(VaiError code, Func<object> act)
        where TError : VaiException => Assert.Equal(code, Assert.Throws<TError>(act).Code);

    internal static async Task FailsAsync<TError>(VaiError code, Func<Task> act)
        where TError : VaiException => Assert.Equal(code, (await Assert.ThrowsAsync<TError>(act)).Code);

    /// <summary>An IVai, and what is behind it.</summary>
    protected sealed class Rig(IVai vai, params IAsyncDisposable[] behind) : IAsyncDisposable
    {
        public IVai Vai => vai;

        public IModelContext Model { get; set; } = null!;

        public async ValueTask DisposeAsync()
        {
            await vai.DisposeAsync();
            foreach (IAsyncDisposable b in behind)
                await b.DisposeAsync();
        }
    }

    private sealed class Listener(List<LoadPhase> phases) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (phases)
                phases.Add(value.Phase);
        }
    }
}
