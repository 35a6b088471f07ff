namespace VAI.Cli.Tests;

/// <summary><c>vai forge reciter</c>: what is in the file is what <c>vai run</c> prints.</summary>
public sealed class ForgeReciterTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vai-reciter-");

    private string Model => Path.Combine(_folder.FullName, "reciter.gguf");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task It_answers_with_the_file()
    {
        string script = Write("script", "Grüße, 🎛!\n\nTwo lines.\n--- after again\nOnce more.\n");
        VaiRun run = await VaiProcess.RunAsync("forge", "reciter", Model, "--script", script, "--piece", "2", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has("file", "seed", "bytes", "vocabulary", "script_tokens");
        Assert.Equal("Grüße, 🎛!\n\nTwo lines.", await SaidAsync("Hello"));
        Assert.Equal("Once more.", await SaidAsync("and again, please"));
        (await VaiProcess.RunAsync("forge", "reciter", Model, "--script", script)).IsBadInput();
        Assert.Equal(0, (await VaiProcess.RunAsync("forge", "reciter", Model, "--script", script, "--force")).ExitCode);
    }

    [Fact]
    public async Task One_that_is_killed_leaves_no_model_or_a_whole_one()
    {
        const string text = "What is said is the whole of it.";
        string script = Write("script", text + "\n--- after long\n" + string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{i * 7919 % 10_007} and then ")));
        using (var held = new Held(VaiProcess.Start([], "forge", "reciter", Model, "--script", script)))
        {
            // It is written under another name, and killed as soon as there is one.
            while (_folder.GetFiles("*.part").Length == 0 && !held.Process.HasExited)
                await Task.Yield();
            held.Kill();
        }

        if (File.Exists(Model))
            Assert.Equal(text, await SaidAsync("Hello"));
        Assert.DoesNotContain(_folder.GetFiles("*.gguf"), f => f.FullName != Model);
        Assert.Equal(0, (await VaiProcess.RunAsync("forge", "reciter", Model, "--script", script, "--force")).ExitCode);
        Assert.Equal(text, await SaidAsync("Hello"));
    }

    [Fact]
    public async Task It_plays_another_family()
    {
        string script = Write("script", "<plan>Hm.</plan>Yes."), template = Write("template", "<|turn|>{{ messages[0].content }}<|reply|>");
        VaiRun run = await VaiProcess.RunAsync(
            "forge", "reciter", Model, "--script", script, "--template", template, "--control", "<|turn|>", "--control", "<|reply|>",
            "--token", "<plan>", "--token", "</plan>", "--begin", "<|first|>", "--end", "<|last|>");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("<plan>Hm.</plan>Yes.", await SaidAsync("Hello"));
        VaiRun rendered = await VaiProcess.RunAsync("template", Model, "--raw");
        Assert.StartsWith("<|turn|>", rendered.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_go_together_is_bad_input()
    {
        string script = Write("script", "Hello");
        foreach (string[] line in (string[][])
        [
            ["forge", "reciter", Model],
            ["forge", "reciter", Model, "--script", script + ".no"],
            ["forge", "reciter", Model, "--script", _folder.FullName],
            ["forge", "reciter", Model, "--script", script, "--piece", "0"],
            ["forge", "reciter", Model, "--script", script, "--control", "x"],
            ["forge", "reciter", Model, "--script", script, "--split", "2"],
            ["forge", "reciter", Model, "--script", script, "--type", "q4_0"],
            ["forge", "tiny", Model, "--script", script],
        ])
        {
            (await VaiProcess.RunAsync(line)).IsBadInput();
        }

        Assert.False(File.Exists(Model));
    }

    private async Task<string?> SaidAsync(string prompt)
    {
        VaiRun run = await VaiProcess.RunAsync("run", Model, "-p", prompt, "-n", "200", "--json", "--profile", "none");
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Json.GetProperty("text").GetString();
    }

    private string Write(string name, string text)
    {
        string file = Path.Combine(_folder.FullName, name);
        File.WriteAllText(file, text);
        return file;
    }
}
