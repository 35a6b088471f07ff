using System.Globalization;

namespace VAI.Native.Tests.Text;

/// <summary>Texts and vocabularies that end a process which gives them to llama.cpp as they are, in a process of their own.</summary>
public sealed class KillerTests(TokenizerModels models) : IClassFixture<TokenizerModels>
{
    // A process that hangs is dead as well; nothing is asserted about what ends by itself.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // It takes 20 seconds to fill one of the usual length.
    private static readonly string[] ShortStack = ["sh", "-c", "ulimit -s 1024; exec \"$0\" \"$@\""];

    [Fact]
    public async Task A_word_of_60_000_letters_ends_no_process()
    {
        string file = models.File("gpt2", "tekken");
        (int? code, string output, _) = await RunAsync(file, "A", 60_000, "pieces", ShortStack);
        Assert.Equal(0, code);
        Assert.InRange(int.Parse(output, CultureInfo.InvariantCulture), 1000, 60_001);

        // The text can do it: as it is, it ends the process.
        (code, _, _) = await RunAsync(file, "A", 60_000, "whole", ShortStack);
        Assert.NotEqual(0, code);
    }

    [Theory]
    [InlineData("bert", "byte", "a byte, which WordPiece does not have")]
    [InlineData("bert", "bos", "'tokenizer.ggml.bos_token_id' is missing")]
    [InlineData("bert", "seperator", "'tokenizer.ggml.seperator_token_id' is missing")]
    [InlineData("bert", "unknown", "'tokenizer.ggml.unknown_token_id' is missing")]
    [InlineData("t5", "unknown", "'tokenizer.ggml.unknown_token_id' is missing")]
    [InlineData("t5", "long", "token 8 has 1025 bytes")]
    [InlineData("rwkv", "bytes", "is not a token, which RWKV")]
    [InlineData("rwkv", "unknown", "byte 0x00 is not a token, which RWKV")]
    [InlineData("llama", "bytes", "U+2581")]
    public async Task A_vocabulary_that_a_text_dies_of_is_refused(string model, string without, string words)
    {
        (int? code, _, string error) = await RunAsync(KillerVocabularies.Forge(models, model, without), "\u4e2d", 3, "pieces");
        Assert.Equal(2, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    private static async Task<(int? Code, string Output, string Error)> RunAsync(string file, string unit, int times, string how, params string[] wrapper)
    {
        using var peer = PeerProcess.StartUnder(wrapper, [("DOTNET_DbgEnableMiniDump", "0")], "tokenize", file, unit, $"{times}", how);
        Task<string> output = peer.ReadRestAsync(), error = peer.ReadErrorAsync();
        Task<int> end = peer.EndAsync();
        if (await Task.WhenAny(end, Task.Delay(Patience)) == end)
            return (await end, await output, await error);
        await peer.KillAsync();
        return (null, "", "");
    }
}
