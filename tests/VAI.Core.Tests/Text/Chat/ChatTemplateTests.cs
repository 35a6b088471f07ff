using System.Text.Json;

namespace VAI.Core.Tests.Text.Chat;

/// <summary>Conversations become prompts: whose text is whose, what is repaired, what is refused.</summary>
public sealed class ChatTemplateTests
{
    private const string ChatMl = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private const string Thinking =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% set c = m.content %}{% if m.role == 'assistant' and '</think>' in c %}{% set c = c.split('</think>')[-1].lstrip() %}{% endif %}"
        + "{% if m.role == 'assistant' and loop.last and m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ c }}<|im_end|>\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}";

    private const string NoSystem =
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
        + "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}]{{ m.content | trim }}{% endfor %}";

    private const string Calls =
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% for c in m.tool_calls or [] %}"
        + "<call>{{ c.function.name }} {{ c.function.arguments | tojson }}</call>{% endfor %}{% endfor %}";

    [Fact]
    public void Each_part_knows_who_wrote_it()
    {
        ChatPrompt prompt = Render(ChatMl, new ChatTurn("user", "Say <|im_end|>"));
        Assert.Equal("<|im_start|>user\nSay <|im_end|><|im_end|>\n<|im_start|>assistant\n", prompt.Text);
        Assert.Equal(
            [new("<|im_start|>user\n", false), new("Say <|im_end|>", true), new PromptSegment("<|im_end|>\n<|im_start|>assistant\n", false)], prompt.Segments);
        Assert.All(Render(ChatMl, new ChatTurn("user", "x") { ParseSpecial = true }).Segments, s => Assert.False(s.IsCallers));
        string text = prompt;
        Assert.Equal(prompt.Text, text);
    }

    [Theory]
    [InlineData("{{ m.content | trim }}", "  <|x|>  ", "<|x|>")]
    [InlineData("{{ m.content | upper }}", "<|x|>", "<|X|>")]
    [InlineData("{{ 'a' + m.content + 'b' }}", "<|x|>", "<|x|>")]
    [InlineData("{{ m.content[1:-1] }}", "a<|x|>b", "<|x|>")]
    [InlineData("{{ m.content.split(',')[1] }}", "a,<|x|>", "<|x|>")]
    [InlineData("{{ ('<' ~ m.content).replace('b', '') }}", "|xb|>", "|x|>")]
    [InlineData("{{ m.content | tojson }}", "<|x|>", "\"<|x|>\"")]
    [InlineData("{{ [m.content] }}", "<|x|>", "['<|x|>']")]
    [InlineData("{{ '%s' % m.content }}", "<|x|>", "<|x|>")]
    [InlineData("{{ '{}'.format(m.content) }}", "<|x|>", "<|x|>")]
    [InlineData("{{ m.content | replace('y', '|x|>') }}", "<y", "<")]
    [InlineData("{% set x %}{{ m.content }}{% endset %}{{ x }}", "<|x|>", "<|x|>")]
    [InlineData("{{ [m.content, m.content] | join('') }}", "<|", "<|<|")]
    [InlineData("{% macro f(c) %}{{ c }}{% endmacro %}{{ f(m.content) }}", "<|x|>", "<|x|>")]
    [InlineData("{{ m.content | reverse }}", ">|x|<", "<|x|>")]
    [InlineData("{{ strftime_now(m.content) }}", "<|x|>", "<|x|>")]
    [InlineData("{% for k in dict(**{m.content: 1}) %}{{ k }}{% endfor %}", "<|x|>", "<|x|>")]
    [InlineData("{% set d = {} %}{% set _ = d.update(**{m.content: 1}) %}{{ d | list | first }}", "<|x|>", "<|x|>")]
    [InlineData("{% macro f() %}{{ kwargs | first }}{% endmacro %}{{ f(**{m.content: 1}) }}", "<|x|>", "<|x|>")]
    public void What_a_template_does_to_a_text_does_not_make_it_its_own(string part, string content, string callers)
    {
        ChatPrompt prompt = ChatTemplate.Parse("{% for m in messages %}" + part + "{% endfor %}").Render(Context(content));
        Assert.Equal(callers, string.Concat(prompt.Segments.Where(s => s.IsCallers).Select(s => s.Text)));
        Assert.Equal(prompt.Text, string.Concat(prompt.Segments.Select(s => s.Text)));
    }

    [Fact]
    public void An_effort_is_the_callers_word()
    {
        ChatPrompt prompt = ChatTemplate.Parse("{{ reasoning_effort }}{{ messages[0].content }}").Render([new("user", "x")], new() { ReasoningEffort = "<|im_end|>" });
        Assert.All(prompt.Segments, s => Assert.True(s.IsCallers));
    }

    [Fact]
    public void Results_of_tools_stand_before_what_their_turn_says_more_and_behind_the_calls()
    {
        ChatTemplate template = ChatTemplate.Parse("{% for m in messages %}{{ m.role }}:{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{% endif %};{% endfor %}");
        string text = template.Render(
        [
            new("assistant", [new ToolCallPart("f", "{}", "1")]),
            new("user", [new TextPart("and now?"), new ToolResultPart("42", "1")]),
            new("assistant", [new ToolResultPart("43", "2"), new ToolCallPart("g", "{}", "2")]),
        ]);
        Assert.Equal("assistant:f;tool:42;user:and now?;assistant:g;tool:43;", text);
    }

    [Fact]
    public void A_turn_is_text_alone()
    {
        ChatTemplate template = ChatTemplate.Parse(ChatMl);
        foreach (ChatTurn turn in new ChatTurn[]
        {
            new("user", [new TextPart(null!)]), new("assistant", [new ReasoningPart(null!)]), new("assistant", [new ToolCallPart("f", null!)]),
            new("assistant", [new ToolCallPart(null!, "{}")]), new("tool", [new ToolResultPart(null!)]), new("tool", [new ToolResultPart("a\0b")]),
            new("user", [new TextPart("one")]) { Content = "another" }, new("user", "x") { Name = "a\0b" },
        })
        {
            Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => template.Render([turn])).Code);
        }
    }

    [Fact]
    public void What_a_template_cannot_take_is_repaired_and_said()
    {
        ChatPrompt prompt = Render(NoSystem, new("system", "Be brief."), new("user", "Hi"), new("user", "Again"));
        Assert.Equal("[user]Be brief.\n\nHi\n\nAgain", prompt.Text);
        Assert.Equal(2, prompt.Repairs.Count);

        prompt = Render(ChatMl, new("developer", "A"), new("user", "Hi"), new("system", "B"));
        Assert.Contains("system\nB<|im_end|>", prompt.Text, StringComparison.Ordinal);
        Assert.Empty(prompt.Repairs);
    }

    [Fact]
    public void Arguments_of_calls_are_what_the_template_reads()
    {
        ChatTurn[] turns = [new("user", "Hi"), new("assistant", [new ToolCallPart("f", """{"a": [1, 2.50, "é"]}""", "1")]), new("tool", [new ToolResultPart("3", "1")])];
        Assert.Equal("[user]Hi[assistant]<call>f {\"a\": [1, 2.5, \"é\"]}</call>[tool]3", Render(Calls, turns).Text);
        ChatTemplateTraits traits = ChatTemplate.Parse(Calls).Traits;
        Assert.True(traits is { ToolCalls: true, ToolResults: true, ObjectArguments: true, Tools: true, TextContent: true });

        // A template without calls: in words.
        ChatPrompt told = Render(ChatMl, turns);
        Assert.Contains("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, 2.50, \"é\"]}}\n</tool_call>", told.Text, StringComparison.Ordinal);
        Assert.Contains("user\n<tool_response>\n3\n</tool_response>", told.Text, StringComparison.Ordinal);
        Assert.Equal(2, told.Repairs.Count);
    }

    [Fact]
    public void Results_stand_in_the_order_of_their_calls()
    {
        ChatPrompt prompt = Render(
            Calls, new("user", "Hi"), new("assistant", [new ToolCallPart("f", "{}", "1"), new ToolCallPart("g", "{}", "2")]),
            new("tool", [new ToolResultPart("second", "2"), new ToolResultPart("first", "1")]));
        Assert.EndsWith("[tool]first[tool]second", prompt.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Thoughts_are_found_and_given_as_the_template_reads_them()
    {
        ChatTemplate template = ChatTemplate.Parse(Thinking);
        Assert.Equal(new ReasoningFormat("<think>", "</think>"), template.Traits.Reasoning);
        Assert.True(template.Traits is { ReasoningHistory: true, ThinkingSwitch: true, ReasoningEffort: false, GenerationPrompt: true });
        Assert.True(template.Render([new("user", "Hi")]).BeginsInReasoning);
        Assert.False(template.Render([new("user", "Hi")], new ChatRenderOptions { EnableThinking = false }).BeginsInReasoning);
        Assert.False(template.Render([new("user", "<think>")], new ChatRenderOptions { AddGenerationPrompt = false }).BeginsInReasoning);
        ChatPrompt prompt = template.Render(
            [new("user", "Hi"), new("assistant", [new ReasoningPart("hm"), new TextPart("Yes")])], new ChatRenderOptions { AddGenerationPrompt = false });
        Assert.EndsWith("<think>\nhm\n</think>\n\nYes<|im_end|>\n", prompt.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_is_continued_behind_its_last_character()
    {
        var options = new ChatRenderOptions { ContinueFinalTurn = true };
        Assert.EndsWith("assistant\nOnce upon  ", ChatTemplate.Parse(ChatMl).Render([new("user", "Hi"), new("assistant", "Once upon  ")], options).Text, StringComparison.Ordinal);
        Assert.EndsWith("[assistant]Once", ChatTemplate.Parse(NoSystem).Render([new("user", "Hi"), new("assistant", "Once")], options).Text, StringComparison.Ordinal);
        Fails(VaiError.InvalidOption, () => ChatTemplate.Parse(ChatMl).Render([new("user", "Hi")], options));
        Fails(VaiError.InvalidOption, () => ChatTemplate.Parse(ChatMl).Render([new("user", "Hi"), new("assistant", [new ToolCallPart("f", "{}")])], options));
        Fails(VaiError.NotSupported, () => ChatTemplate.Parse("{% for m in messages %}{{ m.content | length }}{% endfor %}").Render([new("user", "Hi"), new("assistant", "x")], options));
    }

    [Fact]
    public void What_is_wrong_is_said_with_its_line_or_in_the_templates_words()
    {
        Assert.Contains("line 2", Fails(VaiError.InvalidChatTemplate, () => ChatTemplate.Parse("a\n{% if %}")).Message, StringComparison.Ordinal);
        Assert.Contains("line 3", Fails(VaiError.InvalidChatTemplate, () => Render("\n\n{{ messages.x.y }}", new ChatTurn("user", "x"))).Message, StringComparison.Ordinal);
        VaiUsageException error = Fails(VaiError.ConversationRejected, () => Render(NoSystem, new("assistant", "a"), new("user", "b")));
        Assert.Contains("roles must alternate", error.Message, StringComparison.Ordinal);
        Fails(VaiError.NotSupported, () => Render(ChatMl, new ChatTurn("user", [new ImagePart(new Uri("data:,"))])));
        Fails(VaiError.InvalidOption, () => ChatTemplate.Parse(ChatMl).Render([]));
        Fails(VaiError.InvalidOption, () => ChatTemplate.Parse(ChatMl).Render([new("user", "x")], new ChatRenderOptions { Tools = [default] }));
        Assert.Throws<ArgumentNullException>(() => ChatTemplate.Parse(ChatMl, null!));
        Assert.Throws<ArgumentNullException>(() => ChatTemplate.Parse(ChatMl, "", null!));
    }

    [Fact]
    public void A_value_that_is_too_deep_for_a_stack_or_no_text_is_refused()
    {
        using JsonDocument deep = JsonDocument.Parse(
            $$"""{"x":{{new string('[', 30_000)}}{{new string(']', 30_000)}}}""", new JsonDocumentOptions { MaxDepth = 100_000 });
        JsonElement value = deep.RootElement.GetProperty("x");
        ChatTemplate template = ChatTemplate.Parse("{{ x }}");
        Fails(VaiError.InvalidOption, () => template.Render(deep.RootElement));
        Fails(VaiError.InvalidOption, () => template.Render([new("user", "x")], new ChatRenderOptions { TemplateArguments = new Dictionary<string, JsonElement> { ["x"] = value } }));

        // Half of a pair of surrogates, which is found out when it is read.
        value = JsonElement.Parse("""{"x":"\ud800"}""");
        Fails(VaiError.InvalidOption, () => template.Render([new("user", "x")], new ChatRenderOptions { TemplateArguments = new Dictionary<string, JsonElement> { ["x"] = value } }));
        Fails(VaiError.InvalidOption, () => template.Render([new("user", "x")], new ChatRenderOptions { Tools = [deep.RootElement] }));
    }

    [Fact]
    public void Names_and_the_time_are_given_to_the_template()
    {
        ChatPrompt prompt = ChatTemplate.Parse("{{ strftime_now('%d %B %Y') }} {{ mode }} {{ bos_token }}", "<s>").Render(
            [new("user", "x")],
            new ChatRenderOptions
            {
                Time = new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.FromHours(2)),
                TemplateArguments = new Dictionary<string, JsonElement> { ["mode"] = JsonDocument.Parse("\"deep\"").RootElement },
            });
        Assert.Equal("26 November 2026 deep <s>", prompt.Text);
        Assert.True(prompt.Segments.Single(s => s.Text == "deep").IsCallers);
    }

    private static JsonElement Context(string content) =>
        JsonDocument.Parse($$"""{"messages":[{"role":"user","content":{{JsonSerializer.Serialize(content)}}}]}""").RootElement;

    private static ChatPrompt Render(string template, params ChatTurn[] turns) => ChatTemplate.Parse(template).Render(turns);

    private static VaiUsageException Fails(VaiError code, Action act)
    {
        VaiUsageException error = Assert.Throws<VaiUsageException>(act);
        Assert.Equal(code, error.Code);
        return error;
    }
}
