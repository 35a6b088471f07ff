using System.Text;

namespace VAI.Forge.Tests;

/// <summary>The generated vocabularies, read by llama.cpp.</summary>
public sealed class TokenizerTests : WorkspaceTest
{
    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-gemma3")]
    [InlineData("tiny-qwen3")]
    public async Task Any_text_comes_back(string shape)
    {
        using var probe = new LlamaProbe(await Workspace.ForgeAsync(shape));
        foreach (string text in Texts())
            Assert.Equal(text, probe.Detokenize(probe.Tokenize(text)));
    }

    [Theory]
    [InlineData("tiny", "Write Verilog AND gate", 4)]
    [InlineData("tiny-gemma3", "Write Verilog AND gate", 4)]
    [InlineData("tiny-qwen3", "Write Verilog AND gate", 6)]
    [InlineData("tiny-bert", "write verilog and gate", 7)]
    public async Task Words_make_few_tokens(string shape, string text, int count)
    {
        using var probe = new LlamaProbe(await Workspace.ForgeAsync(shape));
        Assert.Equal(count, probe.Tokenize(text).Length);
        Assert.Equal(2048, probe.VocabularySize);
    }

    [Theory]
    [InlineData("tiny", "<|im_end|>")]
    [InlineData("tiny", "<s>")]
    [InlineData("tiny-gemma3", "<end_of_turn>")]
    [InlineData("tiny-qwen2", "<|endoftext|>")]
    [InlineData("tiny-bert", "[SEP]")]
    public async Task Special_tokens_are_one_control_token(string shape, string text)
    {
        using var probe = new LlamaProbe(await Workspace.ForgeAsync(shape));
        int[] tokens = probe.Tokenize(text, special: true);
        Assert.Contains(tokens, probe.IsControl);
        Assert.DoesNotContain(probe.Tokenize(text), probe.IsControl);
    }

    [Fact]
    public async Task WordPiece_gives_back_lower_case_words()
    {
        using var probe = new LlamaProbe(await Workspace.ForgeAsync("tiny-bert"));
        foreach (string text in new[] { "write verilog and gate", "zyx 42", "module counter, clk and reset" })
        {
            int[] tokens = probe.Tokenize(text);
            Assert.Equal(text, probe.Detokenize(tokens).Trim());
            Assert.Equal(tokens, probe.Tokenize(text.ToUpperInvariant()));
        }
    }

    private static IEnumerable<string> Texts()
    {
        yield return "Write Verilog AND gate";
        yield return "  module and2(input a, b,\n\toutput y);\r\n  assign y = a & b;\n\nendmodule\n";
        yield return "\0\u0001\u007f naïve Größe 漢字 русский 👩‍🚀 \ufffd";
        // U+2581 is how SentencePiece spells a space.
        yield return string.Concat(Enumerable.Range(1, 0x3000).Where(code => code is not 0x2581).Select(code => new Rune(code)));
        yield return string.Concat(Enumerable.Range(0, 64).Select(step => new Rune(0x10000 + (step * 0x3FFF))));
    }
}
