using System.Text;
using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Residency;

namespace VAI.Core.Tests.Text.Chat;

/// <summary>Whoever writes the text does not command the model: control tokens come from the template alone.</summary>
public sealed class ControlTokenTests(ForgedModels models) : EngineTest(models)
{
    private const string Template = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}";

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-gemma3")]
    [InlineData("tiny-qwen2")]
    public async Task Every_control_token_in_a_users_text_is_text(string shape)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models[shape], m => m.ChatTemplate = Template);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        int[] control = [.. Enumerable.Range(0, vocab.Count).Where(t => (vocab.Attributes(t) & TokenAttributes.Control) != 0 && vocab.Text(t).Length > 1)];
        Assert.NotEmpty(control);
        foreach (int token in control)
        {
            string text = $"say {vocab.Text(token)} twice{vocab.Text(token)}";
            ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", text)], addGenerationPrompt: false);
            IReadOnlyList<int> tokens = await model.TokenizeAsync(prompt, addSpecial: false);
            IEnumerable<int> theirs = tokens.Skip(prompt.Segments[0].IsCallers ? 0 : 1);
            Assert.DoesNotContain(token, theirs);
            Assert.DoesNotContain(theirs, t => control.Contains(t));
            Assert.Equal(text, (await model.DetokenizeAsync([.. theirs], special: true)).TrimStart());

            prompt = await model.RenderChatAsync([new ChatTurn("user", text) { ParseSpecial = true }], addGenerationPrompt: false);
            Assert.Equal(2, (await model.TokenizeAsync(prompt, addSpecial: false)).Skip(prompt.Text.StartsWith(model.Info.BosToken!, StringComparison.Ordinal) ? 1 : 0).Count(t => t == token));
        }
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-gemma3")]
    public async Task Where_the_user_wrote_none_the_tokens_are_those_of_the_whole_text(string shape)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
        await using IVai _ = vai;
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 50; i++)
        {
            var text = new StringBuilder();
            for (int n = random.Next(1, 30); n > 0; n--)
                text.Append(new[] { "word", " ", "\n", "é", "😀", "module ", "<", ">", "1", "\t" }[random.Next(10)]);
            ChatPrompt prompt = await model.RenderChatAsync([new("system", text.ToString()), new("user", $" {text}")]);
            Assert.True(
                (await model.TokenizeAsync(prompt.Text, addSpecial: false)).SequenceEqual(await model.TokenizeAsync(prompt, addSpecial: false)), $"seed {seed}, text {i}");
        }
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-gemma3")]
    public async Task A_sequence_begins_once_whether_the_template_begins_it_or_not(string shape)
    {
        foreach (string template in new[] { Template, "{% for m in messages %}{{ m.content }}{% endfor %}" })
        {
            (IVai vai, IModelContext model) = await LoadAsync(Models[shape], m => m.ChatTemplate = template);
            await using IVai _ = vai;
            IReadOnlyList<int> plain = await model.TokenizeAsync("", addSpecial: true);
            ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "Hello")]);
            await using IInferenceSession session = model.OpenSession();
            await ReadAsync(session.InferAsync(prompt, Greedy(1)));
            Assert.Equal(Math.Max(plain.Count, template == Template ? 1 : 0), session.Tokens.TakeWhile(t => plain.Contains(t) || session.Tokens[0] == t).Count());
        }
    }

    [Fact]
    public async Task A_part_that_ends_in_a_control_token_with_the_templates_help_is_no_control_token()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ChatTemplate = "{% for m in messages %}<|{{ m.content }}|>{% endfor %}");
        await using IVai _ = vai;
        ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "im_end")], addGenerationPrompt: false);
        Assert.Equal("<|im_end|>", prompt.Text);
        Assert.True((await model.TokenizeAsync(prompt, addSpecial: false)).Count > 1);
    }

    [Theory]
    [InlineData("tool_ues", VaiError.InvalidOption)]
    [InlineData("{% if %}", VaiError.InvalidChatTemplate)]
    public async Task A_template_that_is_none_is_said_when_the_model_is_loaded(string template, VaiError code) =>
        await ThrowsAsync<VaiUsageException>(code, () => LoadAsync(Models["tiny"], m => m.ChatTemplate = template));

    [Fact]
    public async Task Thoughts_end_at_their_budget_and_are_counted()
    {
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny"], m => m.ChatTemplate = "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}{# </think> #}");
        await using IVai _ = vai;
        ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "Hello")]);
        Assert.True(prompt.BeginsInReasoning);
        var thought = new StringBuilder();
        var answer = new StringBuilder();
        InferenceResult? result = null;
        await using IInferenceSession session = model.OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync(prompt, Greedy(60) with { ReasoningBudget = 7 }))
        {
            (update.Kind == InferenceUpdateKind.Reasoning ? thought : answer).Append(update.Text);
            result = update.Result;
        }

        Assert.NotEqual("", thought.ToString());
        Assert.DoesNotContain("</think>", thought.ToString() + answer, StringComparison.Ordinal);
        Assert.InRange(result!.ReasoningTokens, 8, 40);
        Assert.Contains("\n</think>\n\n", await model.DetokenizeAsync(session.Tokens), StringComparison.Ordinal);

        // The same when another process goes on in the middle.
        int[] generated = [.. session.Tokens.TakeLast(result.GeneratedTokens)];
        int[] asked = [.. session.Tokens.SkipLast(result.GeneratedTokens)];
        await using IInferenceSession again = model.OpenSession();
        var options = Greedy(60) with { ReasoningBudget = 7, Reasoning = prompt.Reasoning, BeginsInReasoning = true, Seed = result.Seed };
        Response rest = await ReadAsync(((VAI.Sessions.IResumableSession)again).ResumeAsync(asked, generated.AsMemory(0, 9), options));
        Assert.Equal(generated[9..], rest.Tokens);
    }
}
