using VAI.Forge;

namespace VAI.Cli.Tests;

/// <summary>Models in several files: the same as whole ones, and what is wrong with a set of files ends in one line.</summary>
[Collection(ForgedCollection.Name)]
public sealed class SplitTests(Forged forged) : IDisposable
{
    private const int Parts = 3;
    private static readonly DirectoryInfo Made = Make();
    private readonly DirectoryInfo _set = Directory.CreateTempSubdirectory("vai-split-");

    public static TheoryData<string, string, string> Broken => new()
    {
        // What is done to a good set; what is then given; what the line says.
        { "delete 2", "1", "part 2 of 3 is missing" },
        { "delete 3", "1", "part 3 of 3 is missing" },
        { "delete 1", "1", "no such file" },
        { "", "2", "this is part 2 of 3 of a model. Give the first one" },
        { "", "3", "this is part 3 of 3 of a model. Give the first one" },
        { "swap 2 3", "1", "00002-of-00003.gguf: metadata key 'split.no'" },
        { "copy 2 3", "1", "00003-of-00003.gguf: metadata key 'split.no'" },
        { "copy 1 2", "1", "00002-of-00003.gguf: metadata key 'split.no'" },
        { "other 2", "1", "00002-of-00003.gguf: metadata key 'split.count'" },
        { "foreign 2", "1", "00002-of-00003.gguf: its 'split.tensors.count' is not that of" },
        { "disguised 2", "1", "has tensor" },
        { "u16 2 split.no 5", "1", "it is 5, that of part 6" },
        { "u16 1 split.no 1", "1", "it is 1, that of part 2" },
        { "u16 1 split.count 4", "1", "it is 4 where the file's name says 3" },
        { "u16 2 split.count 4", "1", "it is 4 where the first part has 3" },
        { "u16 1 split.count 0", "1", "its name says that it is part 1 of 3" },
        { "u16 2 split.count 0", "1", "it is 0 where the first part has 3" },
        { "u32 1 split.count 65536", "1", "65536 is more than 65535" },
        { "i32 1 split.tensors.count 22", "1", "00002-of-00003.gguf: its 'split.tensors.count' is not that of" },
        { "i32 3 split.tensors.count 22", "1", "00003-of-00003.gguf: its 'split.tensors.count' is not that of" },
        { "tensors", "1", "it is 22, and the 3 parts have 21 tensors" },
        { "duplicate", "1", "00003-of-00003.gguf: it has tensor" },
        { "cut 3", "1", "00003-of-00003.gguf: tensor" },
        { "cut 2 100", "1", "00002-of-00003.gguf" },
        { "empty 2", "1", "00002-of-00003.gguf: the file is empty" },
        { "empty 1", "1", "00001-of-00003.gguf: the file is empty" },
        { "text 3", "1", "00003-of-00003.gguf: magic at byte 0" },
        { "whole 1", "1", "its name says that it is part 1 of 3, and its metadata" },
        { "whole 2", "1", "00002-of-00003.gguf: it has no 'split.count'" },
        { "keyless 2", "1", "00002-of-00003.gguf: it has no 'split.count'" },
        { "numberless 2", "1", "it has no 'split.no'" },
        { "architecture 2", "1", "its 'general.architecture' is not that of" },
        { "directory 2", "1", "part 2 of 3 is a directory" },
        { "directory 1", "1", "is a directory" },
        { "pipe 2", "1", "00002-of-00003.gguf: part 2 of 3 is not a regular file" },
        { "loop 2", "1", "00002-of-00003.gguf: cannot be opened" },
        { "dangling 2", "1", "part 2 of 3 is a link that leads to no file" },
        { "link", "LINK", "part 2 of 3 is missing" },
        { "rename", "m.gguf", "it is part 1 of a model in 3 files, and its name does not say so" },
        { "renumber 00001-of-00004", "m-00001-of-00004.gguf", "it is 3 where the file's name says 4" },
        { "renumber 00004-of-00003", "m-00004-of-00003.gguf", "its name says that it is part 4 of 3" },
        { "renumber 00000-of-00003", "m-00000-of-00003.gguf", "its name says that it is part 0 of 3" },
        { "renumber 00001-of-65535", "m-00001-of-65535.gguf", "more than 512" },
        { "renumber 00001-of-00001", "m-00001-of-00001.gguf", "it is 3 where the file's name says 1" },
    };

    /// <summary>By the library, in this process: of each kind of trouble a process is run below.</summary>
    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_broken_set_is_refused_and_leaves_nothing_behind(string deed, string given, string says)
    {
        string path = await BreakAsync(deed, given), roms = VaiProcess.NewRomDirectory();
        await using IVai vai = Vai.Create(o => o.RomDirectory = roms);
        VaiException error = await Assert.ThrowsAnyAsync<VaiException>(async () => await vai.LoadAsync(new ModelOptions { Name = "m", File = path }));
        Assert.True(error.Message.Contains(says, StringComparison.Ordinal), error.Message);

        // What the command line makes exit code 2 and one line of.
        Assert.False(error is VaiEngineException, error.ToString());
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(Directory.Exists(roms) && Directory.EnumerateFiles(roms, "*.*").Any(f => f.EndsWith(".rom", StringComparison.Ordinal) || f.EndsWith(".burn", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("delete 2", "1", "part 2 of 3 is missing")]
    [InlineData("delete 1", "1", "no such file")]
    [InlineData("", "2", "this is part 2 of 3 of a model. Give the first one")]
    [InlineData("u16 2 split.count 4", "1", "it is 4 where the first part has 3")]
    [InlineData("duplicate", "1", "00003-of-00003.gguf: it has tensor")]
    [InlineData("text 3", "1", "00003-of-00003.gguf: magic at byte 0")]
    [InlineData("directory 1", "1", "is a directory")]
    [InlineData("pipe 2", "1", "00002-of-00003.gguf: part 2 of 3 is not a regular file")]
    [InlineData("loop 2", "1", "00002-of-00003.gguf: cannot be opened")]
    public async Task A_broken_set_is_bad_input_and_one_line(string deed, string given, string says)
    {
        VaiRun run = await VaiProcess.RunAsync("run", await BreakAsync(deed, given), "-p", "x", "-n", "1", "--rom-dir", VaiProcess.NewRomDirectory());
        run.IsBadInput();
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.True(run.Error.Contains(says, StringComparison.Ordinal), run.Error);
    }

    [Fact]
    public async Task Every_verb_refuses_a_broken_set()
    {
        await BreakAsync(["delete", "2"]);
        string first = PartOf(_set, 1);
        foreach (string[] verb in new[] { ["inspect", first], ["plan", first], ["burn", first], ["run", first, "-p", "x", "--profile", "none"], new[] { "bench", "switch", first, forged.A } })
        {
            VaiRun run = await VaiProcess.RunAsync(verb);
            run.IsBadInput();
            Assert.Contains("part 2 of 3 is missing", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Whole_and_in_parts_give_the_same_tokens_and_are_one_ROM()
    {
        string roms = VaiProcess.NewRomDirectory(), whole = Path.Combine(Made.FullName, "whole.gguf"), first = PartOf(Made, 1);
        foreach (string profile in new[] { "fast", "exact", "none" })
        {
            VaiRun one = await RunAsync(whole, profile), three = await RunAsync(first, profile);
            Assert.Equal((0, 0), (one.ExitCode, three.ExitCode));
            Assert.Equal(one.Json.GetProperty("text").GetString(), three.Json.GetProperty("text").GetString());
            Assert.Equal(16, three.Json.GetProperty("tokens").GetInt32());
        }

        VaiRun status = await VaiProcess.RunAsync("status", "--rom-dir", roms, "--json");
        string? id = Assert.Single(status.Json.GetProperty("roms").EnumerateArray().Select(r => r.GetProperty("id").GetString()).Distinct());

        // Found again by the first part's path, without reading.
        VaiRun again = await RunAsync(first, "fast");
        Assert.Equal("attached", again.Json.GetProperty("switch_class").GetString());

        // Burned from the parts alone it is the same ROM.
        string others = VaiProcess.NewRomDirectory();
        VaiRun burned = await VaiProcess.RunAsync("burn", first, "--rom-dir", others, "--json");
        Assert.Equal("m", burned.Json.GetProperty("name").GetString());
        Assert.Equal(id, burned.Json.GetProperty("id").GetString());
        VaiRun plan = await VaiProcess.RunAsync("plan", first, "--rom-dir", others, "--json");
        Assert.True(plan.Json.GetProperty("burned").GetBoolean());

        Task<VaiRun> RunAsync(string file, string profile) =>
            VaiProcess.RunAsync("run", file, "-p", "one two", "-n", "16", "--temp", "0", "--profile", profile, "--rom-dir", roms, "--json");
    }

    [Fact]
    public async Task A_set_whose_parts_are_links_is_a_model()
    {
        // As a cache keeps them: names beside each other, contents elsewhere.
        await BreakAsync(["link"]);
        for (int i = 2; i <= Parts; i++)
            File.CreateSymbolicLink(Path.Combine(_set.FullName, "links", Path.GetFileName(PartOf(_set, i))), PartOf(_set, i));
        VaiRun run = await VaiProcess.RunAsync("inspect", Path.Combine(_set.FullName, "links/m-00001-of-00003.gguf"), "--json");
        Assert.Equal((0, 21), (run.ExitCode, run.Json.GetProperty("tensors").GetInt32()));
    }

    [Fact]
    public async Task A_changed_part_is_a_changed_model()
    {
        string roms = VaiProcess.NewRomDirectory(), first = PartOf(_set, 1);
        await BreakAsync([""]);
        Assert.Equal(0, (await VaiProcess.RunAsync("burn", first, "--rom-dir", roms)).ExitCode);
        File.AppendAllText(PartOf(_set, 2), "0123456789abcdef");
        VaiRun plan = await VaiProcess.RunAsync("plan", first, "--rom-dir", roms, "--json");
        Assert.False(plan.Json.GetProperty("burned").GetBoolean());
    }

    public void Dispose() => _set.Delete(recursive: true);

    private static string PartOf(DirectoryInfo directory, int number) => Path.Combine(directory.FullName, $"m-{number:D5}-of-{Parts:D5}.gguf");

    private static DirectoryInfo Make()
    {
        DirectoryInfo made = Directory.CreateTempSubdirectory("vai-split-made-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => made.Delete(recursive: true);
        Forge("tiny", "m.gguf", Parts);
        Forge("tiny", "whole.gguf", 1);
        Forge("tiny", "two.gguf", 2);
        Forge("tiny-bert", "bert.gguf", Parts);
        return made;

        void Forge(string shape, string name, int parts) => ModelForge.ForgeAsync(
            shape, Path.Combine(made.FullName, name), new ForgeOptions { Parts = parts, Type = ForgeType.Q4_0 }).GetAwaiter().GetResult();
    }

    private async Task<string> BreakAsync(string deed, string given)
    {
        await BreakAsync(deed.Split(' '));
        return given is [>= '1' and <= '9'] ? PartOf(_set, given[0] - '0') : Path.Combine(_set.FullName, given == "LINK" ? "links/m-00001-of-00003.gguf" : given);
    }

    private async Task BreakAsync(string[] deed)
    {
        for (int i = 1; i <= Parts; i++)
            File.Copy(PartOf(Made, i), PartOf(_set, i));
        int number = deed.Length > 1 && deed[1].Length == 1 ? deed[1][0] - '0' : 1;
        string part = PartOf(_set, number);
        switch (deed[0])
        {
            case "delete":
                File.Delete(part);
                break;
            case "swap":
                File.Move(part, part + ".x");
                File.Move(PartOf(_set, 3), part);
                File.Move(part + ".x", PartOf(_set, 3));
                break;
            case "copy":
                File.Copy(part, PartOf(_set, deed[2][0] - '0'), overwrite: true);
                break;
            case "other":
                File.Copy(Path.Combine(Made.FullName, "two-00002-of-00002.gguf"), part, overwrite: true);
                break;
            case "foreign" or "disguised":
                File.Copy(Path.Combine(Made.FullName, "bert-00002-of-00003.gguf"), part, overwrite: true);
                if (deed[0] == "disguised")
                    SplitFiles.Set(part, "split.tensors.count", "i32", 21);
                break;
            case "u16" or "u32" or "i32":
                SplitFiles.Set(part, deed[2], deed[0], long.Parse(deed[3], System.Globalization.CultureInfo.InvariantCulture));
                break;
            case "tensors":
                for (int i = 1; i <= Parts; i++)
                    SplitFiles.Set(PartOf(_set, i), "split.tensors.count", "i32", 22);
                break;
            case "duplicate":
                SplitFiles.RenameFirstTensor(PartOf(_set, 3), SplitFiles.FirstTensor(PartOf(_set, 2)));
                break;
            case "cut":
                using (FileStream stream = File.OpenWrite(part))
                    stream.SetLength(deed.Length > 2 ? 100 : stream.Length / 2);
                break;
            case "empty":
                File.WriteAllBytes(part, []);
                break;
            case "text":
                File.WriteAllText(part, "This is no model at all.");
                break;
            case "whole":
                File.Copy(Path.Combine(Made.FullName, "whole.gguf"), part, overwrite: true);
                break;
            case "keyless":
                SplitFiles.Remove(part, "split.no", "split.count", "split.tensors.count");
                break;
            case "numberless":
                SplitFiles.Remove(part, "split.no");
                break;
            case "architecture":
                SplitFiles.AddText(part, "general.architecture", "qwen2");
                break;
            case "directory":
                File.Delete(part);
                Directory.CreateDirectory(part);
                break;
            case "pipe":
                File.Delete(part);
                using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", part))
                    await mkfifo.WaitForExitAsync();
                break;
            case "loop":
                File.Delete(part);
                File.CreateSymbolicLink(part, part);
                break;
            case "dangling":
                File.Move(part, part + ".x");
                File.CreateSymbolicLink(part, part + ".y");
                break;
            case "link":
                Directory.CreateDirectory(Path.Combine(_set.FullName, "links"));
                File.CreateSymbolicLink(Path.Combine(_set.FullName, "links", Path.GetFileName(part)), part);
                break;
            case "rename":
                File.Move(part, Path.Combine(_set.FullName, "m.gguf"));
                break;
            case "renumber":
                File.Move(part, Path.Combine(_set.FullName, $"m-{deed[1]}.gguf"));
                break;
        }
    }
}
