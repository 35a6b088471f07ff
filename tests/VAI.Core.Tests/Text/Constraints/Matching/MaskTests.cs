using System.Globalization;
using System.Text;
using System.Text.Json;
using VAI.Native.Llama;
using VAI.Residency;
using VAI.Text;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Matching;

namespace VAI.Core.Tests.Text.Constraints.Matching;

/// <summary>Random tokens out of what the masks of real vocabularies allow: each text comes to an end that another validator takes.</summary>
public sealed class MaskTests(ForgedModels models) : EngineTest(models)
{
    private const int MostTokens = 400;

    public static TheoryData<string> Schemas { get; } =
    [
        """{"type":"object"}""",
        """{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false}""",
        """{"type":"object","additionalProperties":{"type":"string","maxLength":3},"minProperties":2,"maxProperties":4}""",
        """{"type":"array","items":{"enum":["low","medium","high",null,7]},"minItems":2,"maxItems":5}""",
        """{"type":"array","prefixItems":[{"type":"string","pattern":"^[A-Z][a-z]+$"},{"type":"number","exclusiveMinimum":0}],"items":{"type":"boolean"}}""",
        """{"anyOf":[{"type":"string","minLength":2,"maxLength":6},{"type":"integer","multipleOf":5},{"type":"null"}]}""",
        """{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"v":{"type":"integer"},"l":{"$ref":"#/$defs/t"},"r":{"$ref":"#/$defs/t"}},"required":["v"],"additionalProperties":false}}}""",
        """{"type":"object","properties":{"when":{"type":"string","format":"date-time"},"id":{"type":"string","format":"uuid"},"at":{"type":"string","format":"ipv4"}},"required":["when","id","at"],"additionalProperties":false}""",
        """{"type":"object","properties":{"d":{"type":"number","minimum":-1.5,"maximum":2.25}},"required":["d"],"patternProperties":{"^x_":{"type":"integer"}},"additionalProperties":false}""",
        """{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k","v"],"additionalProperties":false},{"type":"object","properties":{"k":{"const":"b"},"w":{"type":"array","items":{"type":"string"}}},"required":["k"],"additionalProperties":false}]}""",
        """{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":5},"é\"":{"type":"string"}},"required":["é\""]}],"additionalProperties":true,"maxProperties":3}""",
        """{"type":"object","patternProperties":{"^a$":{"type":"null"},"^(b|c.*)$":{"type":"boolean"}},"additionalProperties":false,"minProperties":1,"maxProperties":4}""",
        """{"type":"object","propertyNames":{"enum":["x","y","z"]},"additionalProperties":{"type":"integer","minimum":0,"maximum":9},"minProperties":2}""",
        """{"type":"object","propertyNames":{"pattern":"^[a-c]{1,2}$"},"additionalProperties":{"type":"integer"},"maxProperties":6}""",
    ];

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Any_tokens_that_masks_allow_end_in_a_value_that_fits(string schema)
    {
        int seed = TestVariables.Seed();
        int draws = TestVariables.Draws(25);
        var validator = Json.Schema.JsonSchema.FromText(schema);
        foreach (string shape in new[] { "tiny", "tiny-qwen2", "tiny-gemma3" })
        {
            (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
            await using IVai _ = vai;
            LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
            MaskedMatcher matcher = CompiledConstraint.Of(Constraint.JsonSchema(schema)).Take(vocab);
            var pieces = new TokenPieces(vocab, special: false);
            var random = new Random(seed);
            int ended = 0;
            for (int i = 0; i < draws; i++)
            {
                if (RandomTokens.Draw(matcher, vocab, random, MostTokens) is not { } tokens)
                    continue;
                string text = Encoding.UTF8.GetString([.. tokens.SelectMany(t => pieces.Of(t).ToArray())]);
                ended++;
                using JsonDocument document = JsonDocument.Parse(text);
                Assert.True(validator.Evaluate(document.RootElement).IsValid || HasClusters(text), $"seed {seed}, {shape}, {i}: {text}");
                Assert.True(Constraint.JsonSchema(schema).Accepts(text), $"seed {seed}, {shape}, {i}: {text}");
            }

            Assert.True(ended > draws / 2, $"seed {seed}: {ended} of {draws} came to an end");
        }
    }

    [Fact]
    public async Task A_mask_allows_exactly_the_tokens_after_which_the_text_can_go_on()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        var pieces = new TokenPieces(vocab, special: false);
        foreach (string schema in Schemas.Select<object[], string>(row => (string)row[0]))
        {
            MaskedMatcher matcher = CompiledConstraint.Of(Constraint.JsonSchema(schema)).Take(vocab);
            var reader = new ConstraintReader(matcher.Matcher);
            var random = new Random(3);
            for (int step = 0; step < 12; step++)
            {
                ulong[] mask = matcher.Mask(reader.State);
                for (int token = 0; token < vocab.Count; token++)
                {
                    byte[] bytes = pieces.Of(token).ToArray();
                    bool text = bytes.Length > 0 && !vocab.IsEndOfGeneration(token) && (vocab.Attributes(token) & (VAI.Native.Text.TokenAttributes.Control | VAI.Native.Text.TokenAttributes.Unknown)) == 0;
                    MatchState? state = reader.State;
                    foreach (byte next in bytes)
                        state = state is null ? null : matcher.Matcher.Step(state, next);
                    Assert.Equal((text && state is not null) || (vocab.IsEndOfGeneration(token) && reader.State.Accepts), (mask[token >> 6] >> token & 1) != 0);
                }

                int chosen = RandomTokens.Choose(mask, random, vocab);
                if (vocab.IsEndOfGeneration(chosen))
                    break;
                Assert.True(reader.Take(pieces.Of(chosen).ToArray()));
            }
        }
    }

    // The validator counts what is read as one character; JSON Schema counts code points (RFC 8259, section 1).
    internal static bool HasClusters(string text) => new StringInfo(text).LengthInTextElements < text.EnumerateRunes().Count();
}
