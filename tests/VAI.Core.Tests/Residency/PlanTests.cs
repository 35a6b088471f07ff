using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using VAI.Forge;

namespace VAI.Core.Tests.Residency;

/// <summary>What a plan says against what a load then takes.</summary>
public sealed partial class PlanTests(ForgedModels models) : EngineTest(models)
{
    private const int Threads = 2;

    // llama.cpp logs MiB with two decimals.
    private const double Digit = 0.005 * 1024 * 1024;

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string geometry in (string[])["default", "exact", "q8"])
            cases.Add("small", geometry);
        foreach (string shape in (string[])["tiny", "tiny-qwen3", "tiny-qwen3moe", "tiny-gemma3", "tiny-bert"])
        {
            foreach (string geometry in (string[])["default", "short", "one", "exact", "q8", "plain attention", "no ROM", "more SRAM"])
                cases.Add(shape, geometry);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_plan_is_what_a_load_takes(string shape, string geometry)
    {
        ModelOptions options = Options(shape, geometry);
        var log = new RecordingLoggerProvider();
        MemoryPlan plan;
        ModelMemory measured;
        await using (IVai vai = Create(new RecordingLoggerFactory(log)))
        {
            plan = await vai.PlanAsync(options);
            IModelContext model = vai.Select(await vai.LoadAsync(options));
            measured = Assert.IsType<ModelMemory>(model.Memory);
            Assert.Equal(model.ContextLength, plan.ContextLength);
            await UseAsync(model);
        }

        Assert.Equal(measured.RomBytes, plan.RomBytes);
        Assert.Equal((measured.SramTokens, measured.Cells, measured.Sessions, measured.StepRows), (plan.SramTokens, plan.Cells, plan.Sessions, plan.StepRows));
        Near(measured.KvBytes, plan.KvBytes, 2);
        Assert.Equal(measured.ScratchBytes, plan.ScratchBytes);
        if (shape != "tiny-bert")
            Near(measured.OutputBytes, plan.OutputBytes, 1);
        DeviceMemory device = Assert.Single(plan.Devices);
        Assert.Equal(("CPU", true, plan.KvBytes, plan.ScratchBytes), (device.Device, device.OnHost, device.KvBytes, device.ScratchBytes));

        // When it frees the context, llama.cpp says what the buffer had in the end, and whether it had to grow.
        // An encoder has a context of all cores, and one for each.
        int contexts = shape == "tiny-bert" ? 1 + Threads : 1;
        IEnumerable<string> freed = log.Entries.Where(e => e.Level == LogLevel.Trace && e.Text.Contains("compute buffer size is", StringComparison.Ordinal)).Select(e => e.Text);
        Near(freed.TakeLast(contexts).Sum(line => (long)(double.Parse(Freed().Match(line).Groups[1].ValueSpan, CultureInfo.InvariantCulture) * 1024 * 1024)), plan.ScratchBytes, contexts);
    }

    [Theory]
    [InlineData("tiny", KvType.F16, 256, 2L * 256 * 2 * 2 * 64 * 2)]
    [InlineData("tiny", KvType.Q8_0, 256, 2L * 256 * 2 * 2 * 64 / 32 * 34)]
    [InlineData("tiny", KvType.Q4_0, 1000, 2L * 1024 * 2 * 2 * 64 / 32 * 18)]
    [InlineData("tiny-gemma3", KvType.F32, 512, 6L * 512 * 2 * 2 * 64 * 4)]
    [InlineData("small", KvType.F16, 4096, 15L * 4096 * 2 * 4 * 64 * 2)]
    public async Task Kv_is_layers_by_cells_by_heads_by_their_length(string shape, KvType type, int tokens, long bytes)
    {
        await using IVai vai = Create();
        MemoryPlan plan = await vai.PlanAsync(new ModelOptions { Name = "m", File = Models[shape], KeyType = type, ValueType = type, ContextLength = tokens });
        Assert.Equal((bytes, tokens, (tokens + 255) / 256 * 256), (plan.KvBytes, plan.SramTokens, plan.Cells));
    }

    [Fact]
    public async Task A_packed_image_is_as_long_as_planned_and_then_known()
    {
        string file = Models.NewFile("plan-packed.gguf");
        await ModelForge.ForgeAsync("tiny-qwen2", file, new ForgeOptions { Type = ForgeType.Q4_0, Seed = 77, Overwrite = true });
        await using IVai vai = Create();
        MemoryPlan plan = await vai.PlanAsync(file);
        Assert.True(plan is { IsBurned: false, IsPacked: true, RomFits: true, MemoryFits: true }, $"{plan}");
        Assert.Equal(plan.PrivateBytes + Math.Max(plan.DynamicBytes + plan.RomBytes, plan.BurnBytes), plan.NeededBytes);
        Assert.InRange(plan.BurnBytes, plan.RomBytes, 3 * plan.RomBytes);
        Assert.False((plan with { RomFreeBytes = plan.RomBytes - 1 }).RomFits);
        Assert.False((plan with { AvailableBytes = plan.NeededBytes - 1 }).MemoryFits);
        await vai.LoadAsync(new ModelOptions { Name = "plan-packed", File = file });
        RomInfo rom = RomCatalog.ReadStatus().Roms.Single(r => r.Name == "plan-packed");
        Assert.Equal((true, rom.Bytes), (rom.Packed, plan.RomBytes));
        File.Delete(file);
        MemoryPlan burned = await vai.PlanAsync("plan-packed");
        Assert.True(burned is { IsBurned: true, IsPacked: true }, $"{burned}");
        Assert.Equal((plan.RomBytes, plan.KvBytes, plan.ScratchBytes), (burned.RomBytes, burned.KvBytes, burned.ScratchBytes));
        Assert.Equal((burned.PrivateBytes + burned.DynamicBytes, 0), (burned.NeededBytes, burned.BurnBytes));
        Assert.True((burned with { RomFreeBytes = 0 }).RomFits);
    }

    /// <summary>A hole of a file in shared memory takes a page when it is read through a mapping.</summary>
    [Fact]
    public async Task No_weight_is_read_and_nothing_is_left()
    {
        string file = $"/dev/shm/vai-plan-{Environment.ProcessId}.gguf";
        string roms = Models.NewFile("no-roms");
        byte[] whole = await File.ReadAllBytesAsync(Models["tiny"]);
        try
        {
            await using (FileStream sparse = File.Create(file))
            {
                sparse.Write(whole.AsSpan(0, whole.Length - (int)Vai.Inspect(Models["tiny"]).WeightBytes));
                sparse.SetLength(whole.Length);
            }

            long before = await BlocksAsync(file);
            await using IVai vai = Vai.Create(o => (o.Threads, o.RomDirectory) = (2, roms));
            MemoryPlan plan = await vai.PlanAsync(file);
            Assert.True(plan is { IsBurned: false, RomFits: true } && plan.RomDirectory == roms, $"{plan}");
            Assert.Equal(before, await BlocksAsync(file));
            Assert.InRange(before * 512, 1, 200_000);
            Assert.False(Directory.Exists(roms));
            Assert.Empty(vai.Models);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task No_kv_is_allocated_for_a_plan()
    {
        await using IVai vai = Create();
        MemoryPlan plan = await vai.PlanAsync(new ModelOptions { Name = "m", File = Models["tiny"], SramTokens = 1 << 22 });
        Assert.Equal(4L << 30, plan.KvBytes);
        using var self = Process.GetCurrentProcess();
        Assert.InRange(self.PeakWorkingSet64, 0, plan.KvBytes / 2);
        Assert.True(plan.NeededBytes > plan.KvBytes);
        Assert.Equal(plan.NeededBytes <= plan.AvailableBytes, plan.MemoryFits);
    }

    /// <summary>A cache is cleared when it is made, so that the process then has all its pages.</summary>
    [Fact]
    public async Task The_process_takes_the_kv_that_was_planned()
    {
        // Both are larger than what glibc would take out of memory freed before.
        await TakenAsync(4096);
        (long small, long smallKv) = await TakenAsync(4096);
        (long large, long largeKv) = await TakenAsync(16_384);
        double ratio = (double)(large - small) / (largeKv - smallKv);
        Assert.True(ratio is > 0.97 and < 1.03, $"{large - small} bytes more are anonymous where {largeKv - smallKv} were planned");

        async Task<(long Taken, long Planned)> TakenAsync(int tokens)
        {
            await using IVai vai = Create();
            var options = new ModelOptions { Name = "m", File = Models["small"], Profile = RomProfile.None, ContextLength = 512, SramTokens = tokens };
            long planned = (await vai.PlanAsync(options)).KvBytes;
            long before = Anonymous();
            await vai.LoadAsync(options);
            return (Anonymous() - before, planned);
        }

        // What the tests before have left on the managed heap must not be given back in between.
        static long Anonymous()
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            return PlanTests.Anonymous();
        }
    }

    [Fact]
    public async Task A_plan_refuses_what_a_load_refuses()
    {
        string file = Models["tiny"];
        await using IVai vai = Create(options: o => o.AddModel("configured", file, m => m.ContextLength = 300));
        Assert.Equal(300, (await vai.PlanAsync("configured")).ContextLength);
        await RefusedAsync(m => m.ContextLength = 1 << 30);
        await RefusedAsync(m => m.SramTokens = 1);
        await RefusedAsync(m => m.MaxSessions = 257);
        await RefusedAsync(m => m.KeyType = (KvType)99);
        await RefusedAsync(m => m.Profile = (RomProfile)9);
        await RefusedAsync(m => m.GpuLayers = -2);
        await RefusedAsync(m => (m.ValueType, m.FlashAttention) = (KvType.Q8_0, FlashAttention.Off));
        await ThrowsAsync<VaiUsageException>(VaiError.FileNotFound, () => vai.PlanAsync("no-such-model").AsTask());
        string broken = Models.NewFile("plan-broken.gguf");
        await File.WriteAllBytesAsync(broken, (await File.ReadAllBytesAsync(file))[..5000]);
        await ThrowsAsync<VaiModelException>(VaiError.MalformedModel, () => vai.PlanAsync(broken).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => vai.PlanAsync(file, new CancellationToken(canceled: true)).AsTask());
        await Assert.ThrowsAsync<ArgumentNullException>(() => vai.PlanAsync((ModelOptions)null!).AsTask());
        await vai.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => vai.PlanAsync(file).AsTask());

        Task<VaiUsageException> RefusedAsync(Action<ModelOptions> change)
        {
            var options = new ModelOptions { Name = "m", File = file };
            change(options);
            return ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => vai.PlanAsync(options).AsTask());
        }
    }

    [Fact]
    public async Task Plans_run_beside_each_other_and_beside_a_response()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        Task<Response> response = ReadAsync(session.InferAsync(Prompt, Greedy(64)));
        string[] shapes = ["tiny", "tiny-gemma3", "tiny-qwen3moe", "tiny-bert"];
        MemoryPlan[] plans = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => vai.PlanAsync(Models[shapes[i % 4]]).AsTask()));
        for (int i = 4; i < plans.Length; i++)
            Assert.Equal((plans[i - 4].KvBytes, plans[i - 4].ScratchBytes), (plans[i].KvBytes, plans[i].ScratchBytes));
        Assert.Equal(4, plans.Take(4).Select(p => p.ScratchBytes).Distinct().Count());
        Assert.NotEmpty((await response).Tokens);
    }

    private static async Task UseAsync(IModelContext model)
    {
        string text = string.Concat(Enumerable.Repeat(Prompt + " ", 8));
        if (model.Info.IsEmbedding)
        {
            await Task.WhenAll(model.EmbedAsync(text).AsTask(), model.EmbedAsync(Prompt).AsTask(), model.EmbedAsync(text).AsTask());
            return;
        }

        await using IInferenceSession a = model.OpenSession();
        await using IInferenceSession b = model.OpenSession();
        await Task.WhenAll(ReadAsync(a.InferAsync(text, Greedy(2))), ReadAsync(b.InferAsync(Prompt, Greedy(2))));
    }

    private static IVai Create(ILoggerFactory? log = null, Action<VaiOptions>? options = null)
    {
        var all = new VaiOptions { Threads = Threads };
        options?.Invoke(all);
        return Vai.Create(all, log);
    }

    private static void Near(long measured, long planned, int buffers)
    {
        double allowed = Math.Max(measured * 0.01, buffers * (Digit + 1));
        Assert.True(Math.Abs(measured - planned) <= allowed, $"{planned} was planned, {measured} measured, {allowed:F0} allowed");
    }

    private static long Anonymous()
    {
        string line = File.ReadLines("/proc/self/smaps_rollup").First(l => l.StartsWith("Anonymous:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private static async Task<long> BlocksAsync(string file)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", file]) { RedirectStandardOutput = true })!;
        string blocks = await stat.StandardOutput.ReadToEndAsync();
        await stat.WaitForExitAsync();
        return long.Parse(blocks, CultureInfo.InvariantCulture);
    }

    private ModelOptions Options(string shape, string geometry)
    {
        var o = new ModelOptions { Name = $"plan-{shape}", File = Models[shape] };
        switch (geometry)
        {
            case "short":
                o.ContextLength = 300;
                break;
            case "one":
                (o.ContextLength, o.MaxSessions) = (512, 1);
                break;
            case "exact":
                (o.Profile, o.ContextLength, o.SramTokens) = (RomProfile.Exact, 500, 2048);
                break;
            case "q8":
                (o.KeyType, o.ValueType, o.FlashAttention) = (KvType.Q8_0, KvType.Q8_0, FlashAttention.On);
                break;
            case "plain attention":
                o.FlashAttention = FlashAttention.Off;
                break;
            case "no ROM":
                (o.Profile, o.MicroBatchSize) = (RomProfile.None, 16);
                break;
            case "more SRAM":
                (o.SramTokens, o.MaxSessions) = (8192, 16);
                break;
        }

        return o;
    }

    [GeneratedRegex(@"compute buffer size is +([\d.]+) MiB, matches expectation")]
    private static partial Regex Freed();
}
