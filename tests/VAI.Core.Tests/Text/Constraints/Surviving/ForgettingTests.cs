using VAI.Native.Llama;
using VAI.Residency;
using VAI.Text;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Matching;
using VAI.Text.Constraints.Schemas;

namespace VAI.Core.Tests.Text.Constraints.Surviving;

/// <summary>A matcher forgets what it found out where that is much: what may come is the same, and the memory has an end.</summary>
public sealed class ForgettingTests(ForgedModels models) : EngineTest(models)
{
    public static TheoryData<string> Schemas { get; } =
    [
        """{"type":"object"}""",
        """{"type":"string","minLength":100,"maxLength":200}""",
        """{"type":"array","items":{"type":"array","items":{"type":"object","propertyNames":{"maxLength":2},"minProperties":2}},"minItems":3}""",
        """{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"v":{"enum":["é","😀"]},"l":{"$ref":"#/$defs/t"}},"required":["v"],"additionalProperties":{"type":"null"}}}}""",
    ];

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Who_forgets_at_every_token_allows_the_same(string schema)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        Grammar grammar = SchemaCompiler.Compile(schema);
        var remembers = new MaskedMatcher(grammar, VocabularyTries.Of(vocab));
        var forgets = new MaskedMatcher(grammar, VocabularyTries.Of(vocab));
        var pieces = new TokenPieces(vocab, special: false);
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int draw = 0; draw < 6; draw++)
        {
            ConstraintReader one = new(remembers.Matcher), other = new(forgets.Matcher);
            for (int step = 0; step < 120; step++)
            {
                forgets.Forget(other);
                Assert.Equal(1, forgets.Matcher.Count - (ReferenceEquals(other.State, forgets.Matcher.Start) ? 0 : 1));
                ulong[] mask = remembers.Mask(one.State);
                Assert.True(mask.AsSpan().SequenceEqual(forgets.Mask(other.State)), $"seed {seed}, draw {draw}, step {step}");
                Assert.Equal(one.State.Accepts, other.State.Accepts);
                int token = RandomTokens.Choose(mask, random, vocab);
                if (vocab.IsEndOfGeneration(token))
                    break;
                byte[] bytes = pieces.Of(token).ToArray();
                Assert.True(one.Take(bytes) && other.Take(bytes));
            }
        }
    }

    [Fact]
    public async Task An_answer_of_which_each_character_is_counted_takes_no_more_memory_the_longer_it_is()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        var options = new InferenceOptions { Constraint = Constraint.JsonSchema("""{"type":"string","minLength":400000,"maxLength":500000}""") };
        int[] letters = [.. await model.TokenizeAsync("abcdefghijklmnopqrstuvwxyz", addSpecial: false)];
        int[] log = [.. await model.TokenizeAsync("\"", addSpecial: false), .. Enumerable.Repeat(letters, 350_000 / 26).SelectMany(l => l)];
        using var mask = ConstraintMask.For(options, vocab, 0, t => t)!;
        using var whole = ConstraintMask.For(options, vocab, 0, t => t)!;
        for (int length = 1; length < log.Length; length += 1 + (length / 40))
            Assert.Equal(whole.After(log.AsSpan(0, length)).ToArray(), mask.After(log.AsSpan(0, length)).ToArray());
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var again = ConstraintMask.For(options, vocab, 0, t => t)!;
        Assert.Equal(mask.After(log).ToArray(), again.After(log).ToArray());
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 100 << 20);
        again.Rewind(10);
        Assert.Equal(whole.After(log).ToArray(), again.After(log).ToArray());
        Assert.False(options.Constraint!.Accepts($"\"{new string('x', 399_999)}\""));
        Assert.True(options.Constraint.Accepts($"\"{new string('x', 450_000)}\""));
    }

    [Fact]
    public async Task What_takes_too_long_to_find_out_is_an_error_and_no_wait()
    {
        // Which way each of hundreds of texts goes is another for whatever comes: there are as many states as beginnings.
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        var random = new Random(5);
        string Set() => string.Concat(Enumerable.Range('a', 26).Where(_ => random.Next(2) == 0).Select(c => (char)c));
        string alternatives = string.Join(',', Enumerable.Range(0, 300).Select(i => $$"""{"type":"string","pattern":"^([{{Set()}}x]|[{{Set()}}][{{Set()}}])*$"}"""));
        var hostile = Constraint.JsonSchema($$"""{"anyOf":[{{alternatives}}]}""");
        await using IInferenceSession session = model.OpenSession();
        VaiUsageException? error = await Record.ExceptionAsync(() => ReadAsync(session.InferAsync(Prompt, new InferenceOptions { Constraint = hostile, MaxTokens = 50 }))) as VaiUsageException;
        Assert.True(error is null or { Code: VaiError.InvalidConstraint }, $"{error}");
        Assert.NotEqual("", (await ReadAsync(session.InferAsync(Prompt, Greedy(3)))).Text);
    }
}
