using VAI.Residency;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Core.Tests.Sram;

/// <summary>What an engine process leaves in shared memory, and what the next one makes of it.</summary>
public sealed class KvStashTests(ForgedModels models) : EngineTest(models)
{
    private const int Before = 24;

    private static InferenceOptions Options { get; } = InferenceOptions.Greedy with { MaxTokens = 48, Seed = 1 };

    [Theory]
    [InlineData(RomProfile.Exact)]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Fast, 5)]
    [InlineData(RomProfile.Fast, 5, "tiny-gemma3")]
    public async Task The_next_process_computes_only_what_came_after_the_last_copy(RomProfile profile, int? slice = null, string shape = "tiny")
    {
        (Response all, int[] prompt, string left) = await LeaveAsync(profile, slice, shape);
        Response rest = await TakeUpAsync(profile, left, prompt, all, shape);
        Assert.Equal(all.Tokens, [.. all.Tokens.Take(Before), .. rest.Tokens]);
        Assert.InRange(rest.Result!.ReusedTokens, prompt.Length, prompt.Length + Before);
        Assert.Empty(Directory.EnumerateFiles(left, "*" + KvStashFile.Suffix));
    }

    /// <summary>Also after an engine's death the same prompt of somebody else is computed, where prefixes are not shared.</summary>
    [Theory]
    [InlineData("key:a", "key:a", true)]
    [InlineData("key:a", "key:b", false)]
    [InlineData("key:a", null, false)]
    [InlineData(null, "key:b", false)]
    public async Task A_copy_is_for_those_who_share_with_whom_it_is_of(string? of, string? who, bool used)
    {
        (Response all, int[] prompt, string left) = await LeaveAsync(RomProfile.Exact, tag: of);
        Response rest = await TakeUpAsync(RomProfile.Exact, left, prompt, all, tag: who);
        Assert.Equal(all.Tokens, [.. all.Tokens.Take(Before), .. rest.Tokens]);
        Assert.Equal(used, rest.Result!.ReusedTokens > 0);
    }

    [Fact]
    public async Task A_copy_that_was_written_over_is_not_used()
    {
        (Response all, int[] prompt, string left) = await LeaveAsync(RomProfile.Exact);
        foreach (string file in Directory.EnumerateFiles(left))
        {
            using FileStream stream = File.Open(file, FileMode.Open);
            byte[] whole = new byte[stream.Length];
            stream.ReadExactly(whole);
            for (int at = 4096 + SessionSeal.HeaderBytes + (4 * prompt.Length); at < whole.Length; at += 512)
                whole[at] ^= 1;
            stream.Position = 0;
            stream.Write(whole);
        }

        Response rest = await TakeUpAsync(RomProfile.Exact, left, prompt, all);
        Assert.Equal(all.Tokens, [.. all.Tokens.Take(Before), .. rest.Tokens]);
        Assert.Equal(0, rest.Result!.ReusedTokens);
    }

    [Fact]
    public async Task What_is_no_copy_is_deleted()
    {
        (Response all, int[] prompt, string left) = await LeaveAsync(RomProfile.Exact);
        foreach (string file in Directory.EnumerateFiles(left))
            File.Delete(file);
        File.WriteAllBytes(Path.Combine(left, "1-1.kv"), []);
        File.WriteAllBytes(Path.Combine(left, "1-2.kv"), new byte[10_000]);
        Assert.Equal(0, (await TakeUpAsync(RomProfile.Exact, left, prompt, all)).Result!.ReusedTokens);
        Assert.Empty(Directory.EnumerateFiles(left));
    }

    [Fact]
    public async Task A_copy_that_is_ended_in_the_middle_leaves_the_one_before()
    {
        (IVai vai, IModelContext loaded) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        var model = (ModelContext)loaded;
        KvTransfers transfers = model.Lane.Placer.Transfers;
        transfers.SliceTokens = 16;
        string place = Models.NewPlace();
        var lot = new ParkingLot(1 << 28);
        using var directory = new KvStashDirectory(place, lot);
        KvStash stash = KvStash.For(model, directory)!;
        await using IInferenceSession opened = model.OpenSession();
        var session = (Session)opened;
        await ReadAsync(session.InferAsync(new int[100], Greedy(1)));
        await model.Pipeline.InvokeAsync(() =>
        {
            Begin();
            while (transfers.Any)
                transfers.Advance(0);
        });
        byte[] first = session.Copied!.Whole.ToArray();
        await ReadAsync(session.InferAsync(new int[20], Greedy(1)));

        // What a process that is killed now leaves in shared memory.
        string left = Models.NewFile("left.kv");
        await model.Pipeline.InvokeAsync(() =>
        {
            Begin();
            transfers.Advance(0);
            transfers.Advance(0);
            Assert.True(transfers.Any);
            File.Copy(Directory.EnumerateFiles(place).Single(), left);

            // Cut back, it ends without being published.
            model.Lane.Placer.Drop(session);
            Assert.False(transfers.Any);
        });
        Assert.Null(session.Copying);
        Assert.True(session.Copied!.Whole.SequenceEqual(first));
        using (KvStashFile file = KvStashFile.TryOpen(left, lot)!)
            Assert.True(file.Whole.SequenceEqual(first));

        // What it holds is what it was, after more was computed than one copy's worth.
        await ReadAsync(session.InferAsync((int[])[4], Greedy(1)));
        await model.Pipeline.InvokeAsync(() => stash.Release(session, transfers));

        void Begin()
        {
            stash.Stepped(session, long.MaxValue / 4);
            stash.Copy(transfers);
        }
    }

    [Fact]
    public async Task What_nobody_takes_up_is_dropped_some_minutes_after_the_takeover()
    {
        (_, _, string left) = await LeaveAsync(RomProfile.Fast);
        foreach (string file in Directory.GetFiles(left))
            File.Copy(file, Path.Combine(left, "1-9" + Path.GetFileName(file)));
        var lot = new ParkingLot(1 << 30);
        using var directory = new KvStashDirectory(Path.GetDirectoryName(left)!, lot);
        Assert.False(directory.Sweep());
        int files = directory.Left.Count;
        Assert.True(files >= 2 && lot.Used > 0);
        while (directory.Sweep())
            Assert.Equal(--files, directory.Left.Count);
        Assert.Empty(directory.Left);
        Assert.Empty(Directory.EnumerateFiles(left));
        Assert.Equal(0, lot.Used);
    }

    [Fact]
    public void A_file_has_the_last_copy_that_was_finished()
    {
        var lot = new ParkingLot(1 << 20);
        string path = Models.NewFile("two.kv");
        using (KvStashFile file = KvStashFile.TryCreate(path, 4000, lot)!)
        {
            Assert.True(file.Whole.IsEmpty);
            for (byte copy = 1; copy <= 5; copy++)
            {
                file.Next.Fill(copy);
                file.Publish();
                file.Next.Fill(99);
                Assert.Equal(copy, file.Whole[0]);
                Assert.Equal(copy, file.Whole[^1]);
            }

            using KvStashFile other = KvStashFile.TryOpen(path, lot)!;
            Assert.Equal(5, other.Whole[0]);
            Assert.Equal(file.Capacity, other.Capacity);
            Assert.Null(KvStashFile.TryCreate(Models.NewFile("no.room"), 1 << 20, lot));
        }

        Assert.False(File.Exists(path));
        Assert.Equal(0, lot.Used);
    }

    [Fact]
    public async Task What_is_prepared_is_attached_and_let_go_of_again()
    {
        string roms = Models.NewRomDirectory();
        ModelOptions[] two = [Exact("a", Models.Model("tiny", 1)), Exact("b", Models.Model("tiny", 2))];
        await using (IVai first = Vai.Create(o => o.RomDirectory = roms))
        {
            foreach (ModelOptions model in two)
                await first.LoadAsync(model);
        }

        await using IVai vai = Vai.Create(o => o.RomDirectory = roms);
        var engine = (IPreparable)vai;
        await engine.PrepareAsync([.. two, Exact("c", Models.NewFile("not.there"))], default);
        Assert.Empty(vai.Models);
        await engine.PrepareAsync([two[1] with { ContextLength = 128 }], default);
        await vai.LoadAsync(two[1] with { ContextLength = 256 });
        Assert.Equal(256, vai.Select("b").ContextLength);
        await vai.UnloadAsync(vai.Models.Single().Handle);
        await engine.PrepareAsync([two[1]], default);
        await engine.LoadReadyAsync([two[1]], default);
        Assert.Equal(["b"], vai.Models.Select(m => m.Name));

        // One with a ROM that was not prepared is loaded too; one without waits for its own load, which burns it.
        await engine.LoadReadyAsync([.. two, Exact("c", Models.NewFile("not.there")), Exact("d", Models.Model("tiny", 9))], default);
        Assert.Equal(["a", "b"], vai.Models.Select(m => m.Name).Order());
        await using IInferenceSession session = vai.Select("b").OpenSession();
        Assert.Equal(SwitchClass.Attached, (await ReadAsync(session.InferAsync(Prompt, Greedy(2)))).Result!.SwitchClass);
    }

    private static ModelOptions Exact(string name, string file) => new() { Name = name, File = file, Profile = RomProfile.Exact };

    /// <summary>Runs a transaction, and leaves the copies that there were when half of it was done.</summary>
    private async Task<(Response All, int[] Prompt, string Left)> LeaveAsync(RomProfile profile, int? slice = null, string shape = "tiny", string? tag = null)
    {
        string stash = Models.NewPlace();
        string left = Path.Combine(Models.NewPlace(), KvStashDirectory.Inherited);
        Directory.CreateDirectory(left);
        await using IVai vai = Create(profile, stash, shape);
        IModelContext model = vai.Select(await vai.LoadAsync("m"));
        ((ModelContext)model).Lane.Placer.Transfers.SliceTokens = slice;
        int[] prompt = [.. await model.TokenizeAsync(Prompt)];
        await using IInferenceSession session = model.OpenSession(new SessionOptions { Tag = tag });
        Response half = await ReadAsync(session.InferAsync(prompt, Options with { MaxTokens = Before }));
        foreach (string file in Directory.EnumerateFiles(stash))
            File.Copy(file, Path.Combine(left, Path.GetFileName(file)));
        Assert.NotEmpty(Directory.EnumerateFiles(left));

        await using IInferenceSession other = model.OpenSession();
        Response all = await ReadAsync(other.InferAsync(prompt, Options));
        Assert.Equal(half.Tokens, all.Tokens.Take(Before));
        return (all, prompt, left);
    }

    private async Task<Response> TakeUpAsync(
        RomProfile profile, string left, int[] prompt, Response all, string shape = "tiny", string? tag = null)
    {
        await using IVai vai = Create(profile, Path.GetDirectoryName(left)!, shape);
        await using IInferenceSession session = vai.Select(await vai.LoadAsync("m")).OpenSession(new SessionOptions { Tag = tag });
        return await ReadAsync(((IResumableSession)session).ResumeAsync(prompt, all.Tokens.Take(Before).ToArray(), Options));
    }

    private IVai Create(RomProfile profile, string stash, string shape) => Vai.Create(o =>
    {
        o.RomDirectory = Models.Roms;
        o.StashDirectory = stash;
        o.AddModel("m", Models[shape], m => m.Profile = profile);
    });
}
