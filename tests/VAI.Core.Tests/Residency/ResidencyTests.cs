using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace VAI.Core.Tests.Residency;

public sealed class ResidencyTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Two_models_are_resident_and_selected_by_handle_and_name()
    {
        await using IVai vai = Vai.Create(o => o.AddModel("a", Models["tiny"]).AddModel("b", Models["tiny-qwen2"]));
        Assert.Empty(vai.Models);
        ModelHandle a = await vai.LoadAsync("a");
        ModelHandle b = await vai.LoadAsync("b");
        Assert.Equal(["a", "b"], vai.Models.Select(m => m.Name));
        Assert.Same(vai.Select("a"), vai.Select(a));
        Assert.Same(vai.Select("b"), vai.Select(b));
        Assert.Equal("qwen2", vai.Select(b).Info.Architecture);
        Assert.Equal(a, await vai.LoadAsync("a"));
        Assert.True(vai.Select(a).LoadTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_handle_does_not_outlive_its_model()
    {
        await using IVai vai = Vai.Create(o => o.AddModel("a", Models["tiny"]).AddModel("b", Models["tiny-qwen2"]));
        ModelHandle a = await vai.LoadAsync("a");
        IModelContext old = vai.Select(a);
        await vai.UnloadAsync(a);
        AssertGone(() => vai.Select(a));
        AssertGone(() => vai.Select("a"));
        AssertGone(() => vai.Select(default(ModelHandle)));
        AssertGone(() => old.OpenSession());
        await ThrowsAsync<VaiUsageException>(VaiError.ModelNotLoaded, () => old.TokenizeAsync("x").AsTask());
        await ThrowsAsync<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.UnloadAsync(a).AsTask());
        ModelHandle b = await vai.LoadAsync("b");
        AssertGone(() => vai.Select(a));
        Assert.Equal("b", vai.Select(b).Name);

        static void AssertGone(Action act) => Assert.Equal(VaiError.ModelNotLoaded, Assert.Throws<VaiUsageException>(act).Code);
    }

    [Fact]
    public async Task A_model_with_open_sessions_is_not_unloaded()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        IInferenceSession session = model.OpenSession();
        VaiUsageException error = await ThrowsAsync<VaiUsageException>(
            VaiError.ModelInUse, () => vai.UnloadAsync(model.Handle).AsTask());
        Assert.Contains("1 open", error.Message);
        Assert.Equal(4, (await ReadAsync(session.InferAsync(Prompt, Greedy(4)))).Tokens.Count);
        await session.DisposeAsync();
        await vai.UnloadAsync(model.Handle);
        Assert.Empty(vai.Models);
    }

    [Fact]
    public async Task Unloading_gives_everything_back()
    {
        string file = Models["tiny-qwen3"];
        await using IVai vai = Vai.Create(o => o.AddModel("m", file));
        int threads = 0;
        for (int i = 0; i < 20; i++)
        {
            ModelHandle handle = await vai.LoadAsync("m");
            Assert.Contains(RomDirectoryOfTests.Path, await File.ReadAllTextAsync("/proc/self/maps"));
            await using (IInferenceSession session = vai.Select(handle).OpenSession())
                await ReadAsync(session.InferAsync(Prompt, Greedy(2)));
            await vai.UnloadAsync(handle);
            Assert.DoesNotContain("-plain.rom", await File.ReadAllTextAsync("/proc/self/maps"));
            int now = NativeThreads();
            threads = threads == 0 ? now : threads;
            Assert.True(now <= threads, $"{now} native threads after {i} loads, {threads} after the first");
        }

        // .NET's own threads have names; ggml's carry the name of the thread that started them.
        static int NativeThreads() => Directory.GetDirectories("/proc/self/task")
            .Select(t => File.ReadAllText(Path.Combine(t, "comm")).Trim())
            .Count(name => name is not (".NET TP Worker" or ".NET TP Gate" or ".NET Long Runni"));
    }

    [Fact]
    public async Task A_name_stands_for_one_file()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await ThrowsAsync<VaiUsageException>(
            VaiError.ModelAlreadyLoaded,
            () => vai.LoadAsync(new ModelOptions { Name = "m", File = Models["tiny-qwen2"] }).AsTask());
        Assert.Equal(model.Handle, await vai.LoadAsync(new ModelOptions { Name = "m", File = Models["tiny"] }));
        VaiUsageException unknown = await ThrowsAsync<VaiUsageException>(
            VaiError.UnknownModel, () => vai.LoadAsync("nobody").AsTask());
        Assert.Contains("Known: m", unknown.Message);
        Assert.Equal(VaiError.UnknownModel, Assert.Throws<VaiUsageException>(() => vai.Select("nobody")).Code);
        Assert.Throws<VaiUsageException>(() => Vai.Create(o => o.AddModel("x", "1").AddModel("x", "2")));
    }

    [Fact]
    public async Task AddVai_gives_one_engine_that_logs_and_ends_with_its_container()
    {
        var log = new RecordingLoggerProvider();
        IVai vai;
        await using (ServiceProvider services = new ServiceCollection()
            .AddSingleton<ILoggerFactory>(new RecordingLoggerFactory(log))
            .AddVai(o => o.AddModel("a", Models["tiny"]))
            .AddVai(o => o.AddModel("b", Models["tiny-qwen2"]))
            .BuildServiceProvider())
        {
            vai = services.GetRequiredService<IVai>();
            Assert.Same(vai, services.GetRequiredService<IVai>());
            await vai.LoadAsync("a");
            await vai.LoadAsync("b");
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => vai.LoadAsync("a").AsTask());
        Assert.Contains(log.Entries, e => e is { Category: "VAI.Engine", Id: 200 } && e.Text.Contains("Loaded model a"));
        Assert.Contains(log.Entries, e => e is { Category: "VAI.Native", Level: LogLevel.Debug } && e.Text.Contains("llama_model_loader"));
        Assert.Contains(log.Entries, e => e is { Category: "VAI.Engine", Id: 201 });
    }
}
