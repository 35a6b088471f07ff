using VAI.Sessions;

namespace VAI.Core.Tests.Text.Constraints;

/// <summary>Constraints through the engine: what a model with random weights says satisfies them.</summary>
public sealed class ConstrainedAnswerTests(ForgedModels models) : EngineTest(models)
{
    private static readonly Constraint Person = Constraint.JsonSchema(
        """{"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false}""");

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-qwen2")]
    [InlineData("tiny-gemma3")]
    public async Task Whatever_the_weights_say_the_answer_fits(string shape)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
        await using IVai _ = vai;
        Constraint[] constraints =
        [
            Person, Constraint.Regex("(yes|no)( [a-z]{1,5}){0,2}"), Constraint.JsonSchema("""{"type":"array","items":{"enum":["a","b",1]},"maxItems":4}"""),
        ];
        uint seed = (uint)Random.Shared.Next();
        for (uint i = 0; i < 12; i++)
        {
            Constraint constraint = constraints[i % constraints.Length];
            await using IInferenceSession session = model.OpenSession();
            Response answer = await ReadAsync(session.InferAsync(
                Prompt, new InferenceOptions { Temperature = 1.5f, TopK = 0, TopP = 1, MinP = 0, Seed = seed + i, MaxTokens = 300, Constraint = constraint }));
            Assert.True(
                answer.Result!.FinishReason == FinishReason.EndOfSequence && constraint.Accepts(answer.Text), $"seed {seed}, {i}: {answer.Result.FinishReason} {answer.Text}");
        }
    }

    [Fact]
    public async Task What_is_thought_before_is_free_and_the_answer_is_not()
    {
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny"], m => m.ChatTemplate = "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}{# </think> #}");
        await using IVai _ = vai;
        ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "Hello")]);
        await using IInferenceSession session = model.OpenSession();
        string thought = "", answer = "";
        await foreach (InferenceUpdate update in session.InferAsync(prompt, new InferenceOptions { Temperature = 1, Seed = 5, MaxTokens = 300, ReasoningBudget = 6, Constraint = Person }))
        {
            if (update.Kind == InferenceUpdateKind.Reasoning)
                thought += update.Text;
            else
                answer += update.Text;
        }

        Assert.NotEqual("", thought);
        Assert.True(Person.Accepts(answer), answer);
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-qwen2")]
    [InlineData("tiny-gemma3")]
    public async Task What_has_to_come_is_written_at_once(string shape)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
        await using IVai _ = vai;
        var options = new InferenceOptions { Temperature = 1, Seed = 3, MaxTokens = 300, Constraint = Person, FastForward = true };
        (long steps, Response answer) = await StepsAsync(model, options);
        Assert.Equal(FinishReason.EndOfSequence, answer.Result!.FinishReason);
        Assert.True(Person.Accepts(answer.Text), answer.Text);
        Assert.Matches("^\\{\"name\":\"[^\"].*\",\"age\":[0-9]+\\s*}$", answer.Text);
        Assert.Equal(answer.Tokens.Count, answer.Result.GeneratedTokens);

        // Those computed with a step each are those that were chosen.
        (long each, Response chosen) = await StepsAsync(model, options with { LogProbabilities = 0 });
        Assert.True(Person.Accepts(chosen.Text), chosen.Text);
        Assert.True(each >= chosen.Tokens.Count && steps < answer.Tokens.Count, $"{steps} steps for {answer.Tokens.Count} tokens, {each} for {chosen.Tokens.Count}");
    }

    [Fact]
    public async Task What_is_written_is_the_same_wherever_an_answer_is_gone_on_with()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.Profile = RomProfile.Exact);
        await using IVai _ = vai;
        var options = new InferenceOptions { Temperature = 1.2f, Seed = 11, MaxTokens = 120, Constraint = Person, FastForward = true };
        await using IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        Response alone = await ReadAsync(session.InferAsync(Prompt, options));
        int[] asked = [.. session.Tokens.SkipLast(alone.Result!.GeneratedTokens)];
        Response each = await ReadAsync(model.OpenSession().InferAsync(Prompt, options with { LogProbabilities = 0 }));
        Assert.Equal(alone.Tokens, each.Tokens);
        for (int at = 1; at < alone.Tokens.Count; at++)
        {
            await using IInferenceSession again = model.OpenSession();
            Response rest = await ReadAsync(((IResumableSession)again).ResumeAsync(asked, alone.Tokens.Take(at).ToArray(), options));
            Assert.Equal(alone.Tokens.Skip(at), rest.Tokens);
        }
    }

    [Fact]
    public async Task Text_that_takes_too_long_to_find_out_is_an_error_where_it_is_written_too()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        var counted = Constraint.Gbnf("root ::= \"x\" (" + string.Join(" | ", Enumerable.Range(0, 300).Select(i => $"\"a\"{{{2_001 + i}}} \"b{i}\"")) + ")");
        await using IInferenceSession session = model.OpenSession();
        VaiUsageException e = await Assert.ThrowsAsync<VaiUsageException>(
            async () => await ReadAsync(session.InferAsync(Prompt, new InferenceOptions { Constraint = counted, FastForward = true, MaxTokens = 8 })));
        Assert.Equal(VaiError.InvalidConstraint, e.Code);
        Assert.Equal(0, session.TokenCount);
    }

    // The answer, and the steps of its model that computed it.
    private async Task<(long Steps, Response Answer)> StepsAsync(IModelContext model, InferenceOptions options)
    {
        long steps = 0;
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "vai.step.rows")
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Count(tags));
        listener.SetMeasurementEventCallback<int>((_, _, tags, _) => Count(tags));
        listener.Start();
        await using IInferenceSession session = model.OpenSession();
        Response answer = await ReadAsync(session.InferAsync(Prompt, options));
        return (steps, answer);

        void Count(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach ((string _, object? value) in tags)
                steps += Equals(value, model.Name) ? 1 : 0;
        }
    }

    [Fact]
    public async Task The_tokens_are_the_same_beside_others_and_after_an_interruption()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.Profile = RomProfile.Exact);
        await using IVai _ = vai;
        var options = new InferenceOptions { Temperature = 1.2f, Seed = 11, MaxTokens = 120, Constraint = Person };
        await using IInferenceSession session = model.OpenSession();
        Response alone = await ReadAsync(session.InferAsync(Prompt, options));
        int[] asked = [.. session.Tokens.SkipLast(alone.Result!.GeneratedTokens)];
        Assert.True(Person.Accepts(alone.Text), alone.Text);

        Response[] beside = await Task.WhenAll(Enumerable.Range(0, 4).Select(async i =>
        {
            await using IInferenceSession other = model.OpenSession();
            return await ReadAsync(other.InferAsync(Prompt, i == 0 ? options : options with { Seed = (uint)i }));
        }));
        Assert.Equal(alone.Tokens, beside[0].Tokens);
        Assert.All(beside, b => Assert.True(Person.Accepts(b.Text), b.Text));
        foreach (int at in new[] { 1, 3, alone.Tokens.Count / 2, alone.Tokens.Count - 1 })
        {
            await using IInferenceSession again = model.OpenSession();
            Response rest = await ReadAsync(((IResumableSession)again).ResumeAsync(asked, alone.Tokens.Take(at).ToArray(), options));
            Assert.Equal(alone.Tokens.Skip(at), rest.Tokens);
        }
    }
}
