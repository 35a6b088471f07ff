using System.Text;
using Xunit.Abstractions;

namespace VAI.Forge.Tests;

/// <summary>The real llama.cpp says what was written, token by token, and by a wide lead.</summary>
public sealed class ReciterTests(ITestOutputHelper output) : WorkspaceTest
{
    private const float Lead = 50;
    private const int Context = 4096;
    private const string ToolCall = "<think>\nLet me look.\n</think>\n<tool_call>\n{\"name\": \"weather\"}\n</tool_call>\n<tool_call>\n{\"name\": \"time\"}\n</tool_call>";

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("Hello, world!")]
    [InlineData("naïve Übergröße 日本語 🎛👩‍👩‍👧\0\t\r\n")]
    [InlineData("\n\n\nthree lines before")]
    [InlineData(ToolCall)]
    [InlineData("<think><think><think></think>")]
    [InlineData("<think>never closed")]
    public async Task It_says_what_is_written(string script)
    {
        ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(script)] });
        using var probe = new LlamaProbe(made.File, Context);
        Recites(probe, made, 0, script, "Write Verilog AND gate", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "\n", "x");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(16)]
    public async Task Any_text_in_pieces_of_any_length(int pieceBytes)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        foreach (int tokens in new[] { 2, 20, 200, 2000 })
        {
            string script = RandomScript(random, tokens * Math.Clamp(pieceBytes, 2, 4));
            ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(script)], PieceBytes = pieceBytes, Seed = (ulong)seed });
            Assert.InRange(made.Bytes, 1, 20 << 20);
            output.WriteLine($"{made.Scripts[0].Count} tokens, {made.Bytes:N0} bytes");
            using var probe = new LlamaProbe(made.File, Context);
            Recites(probe, made, 0, script, "Write Verilog AND gate");
        }
    }

    [Theory]
    [InlineData("a", 1)]
    [InlineData("aaaaaaaaaa", 1)]
    [InlineData("a", 4)]
    [InlineData("\n", 4)]
    [InlineData("<think>Hm, well\n", 4)]
    [InlineData("0123456789", 1)]
    public async Task What_repeats_itself_is_counted(string text, int pieceBytes)
    {
        string script = string.Concat(Enumerable.Repeat(text, 300)) + ".";
        ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(script)], PieceBytes = pieceBytes });
        using var probe = new LlamaProbe(made.File, Context);
        Recites(probe, made, 0, script, "Count!");
    }

    [Fact]
    public async Task The_last_script_whose_marker_stands_in_the_prompt()
    {
        (string Text, string Marker)[] others = [.. Enumerable.Range(1, 15).Select(i => ($"{ToolCall} {i}", i == 1 ? "<tool_response>" : $"turn {i}."))];
        ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(ToolCall), .. others.Select(o => new ReciterScript(o.Text, o.Marker))] });
        using var probe = new LlamaProbe(made.File, Context);
        string filler = string.Concat(Enumerable.Repeat("and so on; ", 100));
        Recites(probe, made, 0, ToolCall, filler);
        for (int i = 0; i < others.Length; i++)
        {
            string before = string.Concat(others.Take(i).Select(o => o.Marker + " and "));
            Recites(probe, made, i + 1, others[i].Text, others[i].Marker + filler, filler + others[i].Marker, before + others[i].Marker + filler, others[i].Marker + before);
        }
    }

    [Fact]
    public async Task It_goes_on_where_a_prompt_ends()
    {
        ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(ToolCall)] });
        using var probe = new LlamaProbe(made.File, Context);
        IReadOnlyList<int> tokens = made.Scripts[0];
        for (int said = 0; said < tokens.Count; said++)
            Assert.Equal(tokens.Skip(said), probe.Greedy([.. probe.Tokenize("Hi\n"), .. tokens.Take(said)], tokens.Count - said));
        Assert.Equal(tokens.Skip(2), probe.Greedy(probe.Tokenize("<|im_start|>assistant\n<think>\n", special: true), tokens.Count - 2));
    }

    [Fact]
    public async Task The_same_options_give_the_same_bytes()
    {
        var options = new ReciterOptions { Scripts = [new(ToolCall)], Seed = 7 };
        byte[] first = await File.ReadAllBytesAsync((await ForgeAsync(options)).File);
        Assert.Equal(first, await File.ReadAllBytesAsync((await ForgeAsync(options)).File));
    }

    [Fact]
    public async Task Other_families_have_other_tokens()
    {
        const string script = "<|python_tag|>print(1)<|eom_id|>1<|start_header_id|>assistant<|end_header_id|>\n\n<think>";
        ReciterResult made = await ForgeAsync(new ReciterOptions
        {
            Scripts = [new(script)],
            ControlTokens = ["<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>", "<|eom_id|>"],
            TextTokens = [],
            EndToken = "<|eot_id|>",
            BeginToken = "<|begin_of_text|>",
        });
        using var probe = new LlamaProbe(made.File, Context);
        int[] prompt = probe.Tokenize("<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", special: true);
        Assert.Equal(probe.Tokenize("<|begin_of_text|>", special: true)[^1], prompt[0]);
        Assert.Equal(made.Scripts[0], probe.Greedy(prompt, made.Scripts[0].Count));
        Assert.Equal(4, made.Scripts[0].Count(probe.IsControl));
    }

    [Fact]
    public async Task What_cannot_be_recited_is_refused()
    {
        string special = string.Concat(Enumerable.Repeat("<think>", 40));
        await RefusedAsync("more text between its special tokens", new ReciterOptions { Scripts = [new(special)] });
        await RefusedAsync("30,000 are the most", new ReciterOptions { Scripts = [new(new string('a', 31_000))], PieceBytes = 1 });
        await RefusedAsync("0 scripts", new ReciterOptions { Scripts = [] });
        await RefusedAsync("17 scripts", new ReciterOptions { Scripts = [new("a"), .. Enumerable.Range(1, 16).Select(i => new ReciterScript("a", $"m{i}"))] });
        await RefusedAsync("first script has a marker", new ReciterOptions { Scripts = [new("a", "mm")] });
        await RefusedAsync("has no marker", new ReciterOptions { Scripts = [new("a"), new("b")] });
        await RefusedAsync("same marker", new ReciterOptions { Scripts = [new("a"), new("b", "mm"), new("c", "mm")] });
        await RefusedAsync("2 characters or more", new ReciterOptions { Scripts = [new("a"), new("b", "m")] });
        await RefusedAsync("PieceBytes is 0", new ReciterOptions { Scripts = [new("a")], PieceBytes = 0 });
        Assert.Empty(Workspace.Files);
    }

    [Theory]
    [InlineData("one", "one", null)]
    [InlineData("one\n", "one", null)]
    [InlineData("one\n\n", "one\n", null)]
    [InlineData("", "", null)]
    [InlineData("one\n---\n", "one\n---", null)]
    [InlineData("one\n--- after <x> y\ntwo\nlines\n", "one", "<x> y", "two\nlines")]
    [InlineData("--- after m1\ntwo\n\n--- after m2\n", "", "m1", "two\n", "m2", "")]
    public void Scripts_are_parted_by_lines(string text, string first, params string?[]? rest)
    {
        var expected = new List<ReciterScript> { new(first) };
        for (int i = 0; i + 1 < rest?.Length; i += 2)
            expected.Add(new(rest[i + 1]!, rest[i]));
        Assert.Equal(expected, ReciterScript.Parse(text));
    }

    internal static string RandomScript(Random random, int bytes)
    {
        string[] parts =
        [
            "the ", "the ", "{\"a\": ", "}", "\n", "\n\n", " ", "é", "日本", "🎛", "<think>", "</think>", "<tool_call>", "</tool_call>",
            "<tool_response>", "<", "<|im", "\\", "\u0141", "Ġ", "a", "a", "a", "1",
        ];
        var text = new StringBuilder();
        while (Encoding.UTF8.GetByteCount(text.ToString()) < bytes)
            text.Append(parts[random.Next(parts.Length)]);
        return text.ToString();
    }

    private static void Recites(LlamaProbe probe, ReciterResult made, int index, string script, params string[] prompts)
    {
        IReadOnlyList<int> tokens = made.Scripts[index];
        Assert.Equal(script, probe.Detokenize([.. tokens]));
        int end = probe.Tokenize("<|im_end|>", special: true)[^1];
        foreach (string prompt in prompts)
        {
            List<int> said = probe.Greedy(probe.Tokenize(prompt, special: true), tokens.Count + 1, Lead);
            Assert.Equal(tokens.Append(end), said);
        }
    }

    private async Task RefusedAsync(string says, ReciterOptions options)
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(() => ForgeAsync(options));
        Assert.Equal(VaiError.InvalidOption, error.Code);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    private Task<ReciterResult> ForgeAsync(ReciterOptions options) =>
        ModelForge.ForgeReciterAsync(Workspace[$"{Guid.NewGuid():N}.gguf"], options);
}
