using VAI.Forge;
using VAI.Native.Registry.Leases;

namespace VAI.Core.Tests.Residency;

/// <summary>Loads that burn and attach, as a user of the library sees them.</summary>
public sealed class RomTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task The_first_load_burns_and_the_next_attaches()
    {
        string file = await ForgeAsync(11);
        List<int> first = await RunAsync(file, SwitchClass.Loaded);
        Assert.Equal(first, await RunAsync(file, SwitchClass.Attached));
        RomInfo rom = Assert.Single(RomCatalog.ReadStatus().Roms, r => r.Name == Path.GetFileNameWithoutExtension(file));
        Assert.True(rom is { Packed: true, Condition: RomCondition.Ready, Attached: 0, Sessions: 0, Architecture: "llama" }, $"{rom}");
        Assert.True(rom is { TokensServed: 16, OwnerAlive: true, Profile: RomProfile.Fast }, $"{rom}");
        Assert.True(rom.LoadTime > TimeSpan.Zero && rom.BurnTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_rom_is_loaded_by_its_name_or_old_path_when_its_file_is_gone()
    {
        string file = await ForgeAsync(2);
        List<int> first = await RunAsync(file, SwitchClass.Loaded);
        File.Delete(file);
        Assert.Equal(first, await RunAsync(file, SwitchClass.Attached));
        Assert.Equal(first, await RunAsync(Path.GetFileNameWithoutExtension(file), SwitchClass.Attached));
        VaiUsageException error = await ThrowsAsync<VaiUsageException>(
            VaiError.FileNotFound, () => RunAsync("no-such-rom", SwitchClass.Attached));
        Assert.Contains("no-such-rom", error.Message);
    }

    [Fact]
    public async Task Counts_that_are_damaged_hide_no_rom()
    {
        string directory = Models.NewRomDirectory();
        using (var catalog = RomCatalog.Open(new VaiOptions { RomDirectory = directory }))
            await catalog.BurnAsync(Models["tiny"], "a");
        await File.WriteAllTextAsync(Path.Combine(directory, "leases"), "no table");
        Assert.Equal("a", Assert.Single(RomCatalog.ReadStatus(directory).Roms).Name);
    }

    [Fact]
    public async Task Every_profile_gives_the_same_tokens()
    {
        string file = await ForgeAsync(3);
        List<int> fast = await RunAsync(file, SwitchClass.Loaded);
        Assert.Equal(fast, await RunAsync(file, SwitchClass.Loaded, RomProfile.None));
        Assert.Equal(fast, await RunAsync(file, SwitchClass.Attached));

        // The exact one, on the same ROM, computes without flash attention, and so do these two.
        List<int> exact = await RunAsync(file, SwitchClass.Attached, RomProfile.Exact);
        Assert.Equal(exact, await RunAsync(file, SwitchClass.Loaded, RomProfile.None, FlashAttention.Off));
        Assert.Equal(exact, await RunAsync(file, SwitchClass.Attached, RomProfile.Fast, FlashAttention.Off));
    }

    /// <summary>What an older VAI burned for exact, or who asked for a plain one, is what exact computes on until it is evicted.</summary>
    [Fact]
    public async Task Exact_takes_a_plain_rom_that_is_there_and_else_shares_what_fast_has()
    {
        string file = await ForgeAsync(9);
        await RunAsync(file, SwitchClass.Loaded, RomProfile.Exact, said: "-exact-packed");
        await RunAsync(file, SwitchClass.Attached, RomProfile.Fast, said: "-fast");
        using var catalog = RomCatalog.Open();
        Assert.True((await catalog.BurnAsync(file, "plain", RomProfile.Exact)).Burned);
        await RunAsync(file, SwitchClass.Attached, RomProfile.Exact, said: "-exact");
        await RunAsync(file, SwitchClass.Attached, RomProfile.Fast, said: "-fast");
        await catalog.EvictAsync("plain");
        await RunAsync(file, SwitchClass.Attached, RomProfile.Exact, said: "-exact-packed");
    }

    [Fact]
    public async Task A_changed_file_is_burned_anew()
    {
        string file = await ForgeAsync(4);
        List<int> first = await RunAsync(file, SwitchClass.Loaded);
        File.Move(await ForgeAsync(5), file, overwrite: true);
        Assert.NotEqual(first, await RunAsync(file, SwitchClass.Loaded));
    }

    [Fact]
    public async Task Sessions_and_attachments_are_counted_while_they_last()
    {
        string file = await ForgeAsync(6);
        await using (IVai vai = Vai.Create(o => o.AddModel("counted", file)))
        {
            IModelContext model = vai.Select(await vai.LoadAsync("counted"));
            await using IInferenceSession a = model.OpenSession();
            await using (IInferenceSession b = model.OpenSession())
                Assert.Equal((1, 2), Counts());
            Assert.Equal((1, 1), Counts());
            using var catalog = RomCatalog.Open();
            await ThrowsAsync<VaiUsageException>(VaiError.RomInUse, () => catalog.EvictAsync("counted"));
        }

        Assert.Equal((0, 0), Counts());
        using (var catalog = RomCatalog.Open())
        {
            Assert.Equal("counted", (await catalog.VerifyAsync("counted")).Name);
            Assert.True((await catalog.EvictAsync("counted")).FreedBytes > 0);
            await ThrowsAsync<VaiUsageException>(VaiError.RomNotBurned, () => catalog.VerifyAsync("counted"));
        }

        static (int Attached, int Sessions) Counts()
        {
            RomInfo rom = RomCatalog.ReadStatus().Roms.Single(r => r.Name == "counted");
            return (rom.Attached, rom.Sessions);
        }
    }

    /// <summary>Which process has it on a GPU is its lease's word, set by hand here, under the name that it has it by.</summary>
    [Fact]
    public async Task A_device_is_of_the_lease_that_says_it_and_goes_with_it()
    {
        string directory = Models.NewRomDirectory();
        RomInfo rom;
        using (var catalog = RomCatalog.Open(new VaiOptions { RomDirectory = directory }))
        {
            rom = (await catalog.BurnAsync(Models["tiny"], "a")).Rom;
            await catalog.BurnAsync(Models["tiny"], "b");
        }

        using var leases = LeaseTable.Open(directory);
        byte[] key = Convert.FromHexString(rom.Digest);
        using (LeaseTally one = leases.Take(key, LeaseTable.KeyOf("a")), other = leases.Take(key, LeaseTable.KeyOf("a")), cpu = leases.Take(key, LeaseTable.KeyOf("b")))
        {
            Assert.Equal((false, 0), OnDevices("a"));
            one.SetDevices(DeviceSet.Of(["CUDA1"]));
            other.SetDevices(DeviceSet.Of(["CUDA0", "Vulkan0"]));

            // Two models of one process: it is said once, and has what either has.
            RomInfo a = Read("a");
            Assert.Equal((true, 2), (a.OnGpu, a.Holders.Count));
            DeviceHolder holder = Assert.Single(a.OnDevices);
            Assert.Equal((Environment.ProcessId, "CUDA0 CUDA1 Vulkan0"), (holder.Pid, string.Join(' ', holder.Devices)));
            Assert.Equal((false, 0), OnDevices("b"));

            // Its tokens wait for a sweep, and its devices do not.
            other.AddTokens(1);
            other.Dispose();
            Assert.Equal(["CUDA1"], Assert.Single(Read("a").OnDevices).Devices);
        }

        Assert.Equal((false, 0), OnDevices("a"));

        RomInfo Read(string name) => RomCatalog.ReadStatus(directory).Roms.Single(r => r.Name == name);

        (bool, int) OnDevices(string name) => Read(name) is var info ? (info.OnGpu, info.OnDevices.Count) : default;
    }

    [Fact]
    public async Task A_cancelled_burn_leaves_nothing()
    {
        string file = await ForgeAsync(7);
        using var stop = new CancellationTokenSource();
        await using IVai vai = Vai.Create();
        var progress = new Synchronous(p =>
        {
            if (p.Phase == LoadPhase.Burning)
                stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => vai.LoadAsync(new ModelOptions { Name = "cancelled", File = file }, progress, stop.Token).AsTask());
        Assert.DoesNotContain(RomCatalog.ReadStatus().Roms, r => r.Name == "cancelled");
        Assert.Empty(Directory.GetFiles(RomDirectoryOfTests.Path, "*.burn"));
        Assert.Empty(vai.Models);
    }

    [Fact]
    public async Task Options_that_do_not_suit_the_model_are_refused_before_it_is_burned()
    {
        string file = await ForgeAsync(8);
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => LoadAsync(file, o => o.ContextLength = 1 << 30));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => LoadAsync(file, o => o.Profile = (RomProfile)9));
        await using IVai vai = Vai.Create(o => o.RomDirectory = "/tmp");
        await ThrowsAsync<VaiUsageException>(
            VaiError.RomDirectoryUnsafe, () => vai.LoadAsync(new ModelOptions { Name = "x", File = file }).AsTask());
    }

    private static async Task<List<int>> RunAsync(
        string file, SwitchClass expected, RomProfile profile = RomProfile.Fast, FlashAttention attention = FlashAttention.Auto, string said = "")
    {
        await using IVai vai = Vai.Create(o => o.Threads = 2);
        var options = new ModelOptions { Name = Path.GetFileNameWithoutExtension(file), File = file, Profile = profile, FlashAttention = attention };
        IModelContext model = vai.Select(await vai.LoadAsync(options));
        await using IInferenceSession session = model.OpenSession();
        Response response = await ReadAsync(session.InferAsync(Prompt, Greedy(8)));
        Assert.Equal(expected, response.Result!.SwitchClass);
        Assert.EndsWith(said, model.Info.Fingerprint);
        return response.Tokens;
    }

    private async Task<string> ForgeAsync(ulong seed)
    {
        string file = Models.NewFile($"rom-{seed}.gguf");
        await ModelForge.ForgeAsync("tiny", file, new ForgeOptions { Type = ForgeType.Q4_0, Seed = seed, Overwrite = true });
        return file;
    }

    private sealed class Synchronous(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
