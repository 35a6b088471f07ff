using System.Text;
using System.Text.Json;
using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Residency;
using VAI.Text;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Matching;

namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>Grammars such as people have: their texts, and what the masks of real vocabularies make of them.</summary>
public sealed class GbnfExampleTests(ForgedModels models) : EngineTest(models)
{
    private const int MostTokens = 500;

    public static TheoryData<string> Names { get; } = [.. GbnfExamples.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void They_allow_their_texts_and_no_others(string name)
    {
        (string source, string[] texts, string[] others) = GbnfExamples.All[name];
        var constraint = Constraint.Gbnf(source);
        Assert.All(texts, text => Assert.True(constraint.Accepts(text), text));
        Assert.All(others, text => Assert.False(constraint.Accepts(text), text));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Any_tokens_that_masks_allow_end_in_a_text_of_it(string name)
    {
        int seed = TestVariables.Seed();
        var constraint = Constraint.Gbnf(GbnfExamples.All[name].Source);
        foreach (string shape in new[] { "tiny", "tiny-qwen2" })
        {
            (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
            await using IVai _ = vai;
            LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
            MaskedMatcher matcher = CompiledConstraint.Of(constraint).Take(vocab);
            var pieces = new TokenPieces(vocab, special: false);
            var random = new Random(seed);
            for (int i = 0; i < 12; i++)
            {
                if (RandomTokens.Draw(matcher, vocab, random, MostTokens) is not { } tokens)
                    continue;
                string text = Encoding.UTF8.GetString([.. tokens.SelectMany(t => pieces.Of(t).ToArray())]);
                Assert.True(constraint.Accepts(text), $"seed {seed}, {shape}, {i}: {text}");
                if (name.EndsWith("json", StringComparison.Ordinal))
                    JsonDocument.Parse(text).Dispose();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_mask_allows_exactly_the_tokens_after_which_the_text_can_go_on(string name)
    {
        string[] texts = GbnfExamples.All[name].Texts;
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        var pieces = new TokenPieces(vocab, special: false);
        MaskedMatcher matcher = CompiledConstraint.Of(Constraint.Gbnf(GbnfExamples.All[name].Source)).Take(vocab);
        byte[] bytes = Encoding.UTF8.GetBytes(texts[^1]);
        foreach (int at in Enumerable.Range(0, bytes.Length + 1).Where(i => i < 40 || i % 500 == 0 || i > bytes.Length - 20))
        {
            var reader = new ConstraintReader(matcher.Matcher);
            Assert.True(reader.Take(bytes.AsSpan(0, at)));
            ulong[] mask = matcher.Mask(reader.State);
            for (int token = 0; token < vocab.Count; token++)
            {
                bool ends = vocab.IsEndOfGeneration(token);
                byte[] piece = pieces.Of(token).ToArray();
                MatchState? state = ends || piece.Length == 0 || (vocab.Attributes(token) & (TokenAttributes.Control | TokenAttributes.Unknown)) != 0 ? null : reader.State;
                foreach (byte next in piece)
                    state = state is null ? null : matcher.Matcher.Step(state, next);
                Assert.True((state is not null || (ends && reader.State.Accepts)) == ((mask[token >> 6] >> token & 1) != 0), $"{at}: token {token}");
            }
        }
    }

    [Fact]
    public async Task Whatever_the_weights_say_the_answer_is_a_text_of_it()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        var constraint = Constraint.Gbnf("root ::= (\"yes\" | \"no\") reason?\nreason ::= \", \" word (\" \" word){0,2} (\" (\" reason \")\")?\nword ::= [a-z]{1,4}");
        uint seed = (uint)Random.Shared.Next();
        for (uint i = 0; i < 6; i++)
        {
            await using IInferenceSession session = model.OpenSession();
            Response answer = await ReadAsync(session.InferAsync(
                Prompt, new InferenceOptions { Temperature = 1.5f, TopK = 0, TopP = 1, MinP = 0, Seed = seed + i, MaxTokens = 200, Constraint = constraint }));
            Assert.True(
                constraint.Accepts(answer.Text) || answer.Result!.FinishReason == FinishReason.MaxTokens, $"seed {seed}, {i}: {answer.Result!.FinishReason} {answer.Text}");
        }
    }
}
