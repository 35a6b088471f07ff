using System.Security.Cryptography;
using VAI.Native.Gguf;

namespace VAI.Forge.Tests;

public sealed class VocabularyCopyTests : WorkspaceTest
{
    [Theory]
    [InlineData("tiny-qwen3", "tiny")]
    [InlineData("tiny", "tiny-gemma3")]
    [InlineData("tiny-bert", "tiny-bert")]
    [InlineData("small", "tiny")]
    public async Task The_tokenizer_is_the_other_files(string source, string shape)
    {
        string original = await Workspace.ForgeAsync(source);
        string copy = await Workspace.ForgeAsync(shape, new ForgeOptions { VocabularyFile = original });
        using var first = new LlamaProbe(original);
        using var second = new LlamaProbe(copy);
        const string text = "write verilog and gate, please";
        Assert.Equal(first.VocabularySize, second.VocabularySize);
        Assert.Equal(first.Tokenize(text, special: true), second.Tokenize(text, special: true));
        Assert.Equal(Tokenizer(original), Tokenizer(copy));
    }

    [Fact]
    public async Task A_file_that_is_missing_damaged_or_without_tokenizer_is_an_error()
    {
        Assert.Equal(VaiError.FileNotFound, await CodeAsync(Workspace["nowhere.gguf"]));

        string damaged = Workspace["damaged.gguf"];
        await File.WriteAllTextAsync(damaged, "not a model at all");
        Assert.Equal(VaiError.MalformedModel, await CodeAsync(damaged));

        string bare = Workspace["bare.gguf"];
        var writer = new Forge.Gguf.GgufWriter();
        writer.Add("general.architecture", "llama");
        await File.WriteAllBytesAsync(bare, writer.BuildHeader());
        Assert.Equal(VaiError.NoTokenizer, await CodeAsync(bare));
        Assert.Equal(["bare.gguf", "damaged.gguf"], Workspace.Files);
    }

    private static List<string> Tokenizer(string path)
    {
        using var file = GgufFile.Open(path);
        return [.. file.Entries.Where(entry => entry.Key.StartsWith("tokenizer.", StringComparison.Ordinal))
            .Select(entry => $"{entry.Key} {entry.Type} {entry.ElementType} {Digest(file.Payload(entry))}").Order()];
    }

    private static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private async Task<VaiError> CodeAsync(string vocabulary)
    {
        var options = new ForgeOptions { VocabularyFile = vocabulary };
        return (await Assert.ThrowsAnyAsync<VaiException>(
            () => ModelForge.ForgeAsync("tiny", Workspace["model.gguf"], options))).Code;
    }
}
