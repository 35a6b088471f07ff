using System.Globalization;
using System.Text.RegularExpressions;
using VAI.Native.Text;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Text;

/// <summary>Any text becomes tokens on a bounded stack, and the same ones as in one call where that bears it.</summary>
/// <remarks>
/// <c>VAI_TEST_TEXTS</c> is the number of texts for each tokenizer (2; 0 for the runs: two of each), <c>VAI_TEST_TEXT_CHARS</c> the
/// length of the runs, <c>VAI_TEST_SEED</c> repeats a run.
/// </remarks>
public sealed class TextTokensTests(TokenizerModels models, ITestOutputHelper output) : IClassFixture<TokenizerModels>
{
    // For the call that is not cut: far more than it takes.
    private const int DeepStack = 512 << 20;

    private static readonly int Seed = Number("VAI_TEST_SEED", Environment.TickCount & 0xFFFF);
    private static readonly int Texts = Number("VAI_TEST_TEXTS", 2);
    private static readonly int RunChars = Number("VAI_TEST_TEXT_CHARS", 36_000);

    public static TheoryData<string, string?> Kinds()
    {
        var kinds = new TheoryData<string, string?>();
        foreach ((string model, string? splitter) in TokenizerModels.All)
            kinds.Add(model, splitter);
        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Pieces_give_the_tokens_of_the_whole(string name, string? splitter)
    {
        output.WriteLine($"VAI_TEST_SEED={Seed}");
        using LlamaModel model = models.Load(name, splitter);
        for (int i = 0; i < Texts; i++)
        {
            var random = new Random(Seed + i);
            string text = SampleTexts.Mixed(random, 3000);
            (bool add, bool parse) = (random.Next(2) == 0, random.Next(2) == 0);
            // Two spaces in a row end the process there.
            if (model.Vocab.Kind.SingleSpaces)
                text = Regex.Replace(text, @"\s+", " ");
            // Unigrams are exact only where the vocabulary has every character, and where no two ways are equally likely, as in a run of one.
            if (name == "t5")
                text = Regex.Replace(string.Concat(Regex.Replace(text, "[^a-z -]", "").EnumerateRunes().Where(model.Vocab.Characters.Contains)), @"(.)\1+", "$1");
            int[] whole = TokenizerModels.OnStack(DeepStack, () => model.Vocab.Tokenize(text, add, parse));
            int[] pieces = TokenizerModels.OnStack(
                TextTokens.StackBytes, () => new TextTokens(model.Vocab, text, add, parse, pieceChars: random.Next(100, 700)).ToEnd());
            Assert.Equal(whole, pieces);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Any_text_ends(string name, string? splitter)
    {
        output.WriteLine($"VAI_TEST_SEED={Seed}");
        using LlamaModel model = models.Load(name, splitter);
        AssertPieces(model);
        int count = Texts <= 2 ? 2 : SampleTexts.Runs.Count;
        int first = new Random(HashCode.Combine(Seed, name, splitter)).Next(SampleTexts.Runs.Count);
        for (int i = 0; i < count; i++)
        {
            (string run, Func<int, string> make) = SampleTexts.Runs[(first + i) % SampleTexts.Runs.Count];
            output.WriteLine(run);
            string text = make(RunChars);
            int[] tokens = TokenizerModels.OnStack(
                TextTokens.StackBytes, () => new TextTokens(model.Vocab, text, addSpecial: true, parseSpecial: true).ToEnd());
            Assert.All(tokens, token => Assert.True(model.Vocab.Contains(token)));
        }
    }

    /// <summary>U+2581 is how some tokenizers write a space: with one in what two windows share, these agreed nowhere.</summary>
    [Theory]
    [InlineData("llama")]
    [InlineData("gemma4")]
    [InlineData("rwkv")]
    [InlineData("t5")]
    public void Marks_of_spaces_in_the_text_hinder_no_joint(string name)
    {
        using LlamaModel model = models.Load(name, null);
        string text = string.Concat(Enumerable.Range(0, 400).Select(i => i % 5 == 0 ? "\u2581" : i % 3 == 0 ? "e" : "a"));
        int[] whole = TokenizerModels.OnStack(DeepStack, () => model.Vocab.Tokenize(text, false, false));
        for (int chars = 100; chars < 120; chars++)
        {
            int[] pieces = TokenizerModels.OnStack(
                TextTokens.StackBytes, () => new TextTokens(model.Vocab, text, addSpecial: false, parseSpecial: false, pieceChars: chars).ToEnd());
            Assert.Equal(whole, pieces);
        }
    }

    [Theory]
    [InlineData("llama", null)]
    [InlineData("whitespace", "whitespace")]
    [InlineData("gpt2", "superbpe")]
    public void Halves_of_characters_at_the_start_are_characters(string name, string? splitter)
    {
        using LlamaModel model = models.Load(name, splitter);
        string text = new('\udc00', 40_000);
        int[] pieces = TokenizerModels.OnStack(
            TextTokens.StackBytes, () => new TextTokens(model.Vocab, text, addSpecial: false, parseSpecial: true, pieceChars: 200).ToEnd());
        Assert.NotEmpty(pieces);
    }

    [Theory]
    [InlineData("tekken")]
    [InlineData("deepseek-coder")]
    [InlineData("gpt-4o")]
    [InlineData("qwen2")]
    [InlineData("llama-bpe")]
    [InlineData("gemma4")]
    public void A_word_of_any_length_has_the_tokens_of_the_whole(string splitter)
    {
        using LlamaModel model = models.Load("gpt2", splitter);
        foreach (char c in "aA-\u3042")
        {
            string text = new(c, 80_001);
            int[] whole = TokenizerModels.OnStack(DeepStack, () => model.Vocab.Tokenize(text, true, true));
            Assert.Equal(whole, TokenizerModels.OnStack(TextTokens.StackBytes, () => new TextTokens(model.Vocab, text, true, true).ToEnd()));
        }
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("rwkv")]
    [InlineData("plamo2")]
    public void Text_without_spaces_has_the_tokens_of_the_whole(string name)
    {
        using LlamaModel model = models.Load(name, null);
        foreach (string text in (string[])[new('\u4e2d', 60_000), new('a', 60_001), new(' ', 50_000), string.Concat(Enumerable.Repeat("ababa\u3042", 9000))])
            Assert.Equal(model.Vocab.Tokenize(text, true, true), new TextTokens(model.Vocab, text, true, true).ToEnd());
    }

    [Fact]
    public void A_piece_is_short_whatever_the_text()
    {
        using LlamaModel model = models.Load("gpt2", "tekken");
        var cutter = new TextCutter(model.Vocab.Kind, model.Vocab.Specials(control: true));
        foreach ((string _, Func<int, string> make) in SampleTexts.Runs)
        {
            string text = make(300_000);
            for (int at = 0; at < text.Length;)
            {
                int end = cutter.Next(text, at, out _);
                Assert.InRange(end - at, 1, TextCutter.MaxPieceChars);
                Assert.False(end < text.Length && char.IsSurrogatePair(text[end - 1], text[end]));
                at = end;
            }
        }
    }

    [Fact]
    public void Harmless_texts_need_no_pieces_and_deep_ones_do()
    {
        using LlamaModel model = models.Load("gpt2", "tekken");
        Assert.True(TextCutter.IsPlain(model.Vocab.Kind, "The quick brown fox, it is said, jumps over 42 lazy dogs.\nAnd so on."));
        Assert.True(TextCutter.IsPlain(model.Vocab.Kind, string.Concat(Enumerable.Repeat("word ", 2000))));
        Assert.False(TextCutter.IsPlain(model.Vocab.Kind, new string('a', 400)));
        Assert.False(TextCutter.IsPlain(model.Vocab.Kind, string.Concat(Enumerable.Repeat("word ", 20_000))));
        using LlamaModel whitespace = models.Load("gpt2", "whitespace");
        Assert.False(TextCutter.IsPlain(whitespace.Vocab.Kind, "a  b"));
    }

    [Fact]
    public void The_longest_piece_is_known_where_bytes_are_kept()
    {
        using LlamaModel bytes = models.Load("gpt2", "qwen2");
        Assert.InRange(bytes.Vocab.LongestPiece, 8, 64);
        using LlamaModel words = models.Load("bert", null);
        Assert.Equal(int.MaxValue, words.Vocab.LongestPiece);
        using LlamaModel unigrams = models.Load("t5", null);
        Assert.Equal(int.MaxValue, unigrams.Vocab.LongestPiece);
    }

    [Fact]
    public void The_library_refuses_a_splitter_that_the_list_does_not_have()
    {
        VaiModelException error = Assert.Throws<VaiModelException>(() => models.Load("gpt2", "no-such-splitter").Dispose());
        Assert.Contains("no-such-splitter", error.Message, StringComparison.Ordinal);
        Assert.Equal(TokenizerSamples.Splitters.Count, TokenizerSamples.Splitters.Distinct().Count());
    }

    // All runs, as cutting takes no time: two of them would mostly miss the one that one tokenizer of a hundred never comes to the end of.
    private static void AssertPieces(LlamaModel model)
    {
        SpecialTexts specials = model.Vocab.Specials(true);
        foreach (int pieceChars in new[] { model.Vocab.Kind.PieceChars, 1000, 7, 1 })
        {
            var cutter = new TextCutter(model.Vocab.Kind with { PieceChars = pieceChars }, specials);
            foreach ((string run, Func<int, string> make) in SampleTexts.Runs)
            {
                string text = make(pieceChars < 1000 ? 9000 : RunChars);
                for (int at = 0, next; at < text.Length; at = next)
                {
                    next = cutter.Next(text, at, out _);
                    Assert.True(next > at && next <= text.Length, $"{run}, pieces of {pieceChars}: from {at} to {next}");
                    Assert.False(TextCutter.IsInPair(text, next), $"{run}, pieces of {pieceChars}: a character is cut at {next}");
                }
            }
        }
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number) ? number : otherwise;
}
