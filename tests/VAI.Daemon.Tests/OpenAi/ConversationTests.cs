using System.Net;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Conversations over HTTP, by templates of every kind: thoughts, continuing, what is reused of earlier turns, what is repaired.</summary>
public sealed class ConversationTests(OpenAiServer server) : OpenAiTest(server), IAsyncLifetime
{
    private readonly List<ModelHandle> _loaded = [];

    private const string Thinking =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% set c = m.content %}{% if m.role == 'assistant' and '</think>' in c %}{% set c = c.split('</think>')[-1].lstrip() %}{% endif %}"
        + "{{ c }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
        + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}";

    private const string Llama3 =
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}"
        + "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";

    private const string Mistral =
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% elif m.role == 'assistant' %} {{ m.content | trim }}{{ eos_token }}"
        + "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";

    private const string ChatMl =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (ModelHandle model in _loaded)
            await UnloadAsync(model);
    }

    public static TheoryData<string, string> Templates => new() { { "chatml", ChatMl }, { "llama3", Llama3 }, { "mistral", Mistral }, { "thinking", Thinking } };

    [Fact]
    public async Task Thoughts_and_answer_are_apart_and_counted()
    {
        string name = await LoadAsync("thinks", Thinking);
        JsonElement whole = await PostAsync(Chat, Request(name, "\"thinking_budget\":6"));
        JsonElement message = whole.GetProperty("choices")[0].GetProperty("message");
        Assert.NotEqual("", message.GetProperty("reasoning_content").GetString());
        Assert.DoesNotContain("think>", message.GetRawText(), StringComparison.Ordinal);
        int thought = whole.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32();
        Assert.InRange(thought, 7, 39);
        Assert.Equal(40, whole.GetProperty("usage").GetProperty("completion_tokens").GetInt32());

        List<JsonElement> events = await StreamAsync(Chat, Request(name, "\"thinking_budget\":6,\"stream\":true"));
        List<JsonElement> deltas = [.. events.Select(e => e.GetProperty("choices")[0].GetProperty("delta"))];
        Assert.DoesNotContain(deltas, d => d.TryGetProperty("content", out JsonElement c) && c.GetString() != "" && d.TryGetProperty("reasoning_content", out _));
        Assert.Equal(message.GetProperty("reasoning_content").GetString(), Text("reasoning_content"));
        Assert.Equal(message.GetProperty("content").GetString(), Text("content"));

        // Nothing is thought where the request says so, and nothing told apart.
        message = (await PostAsync(Chat, Request(name, "\"enable_thinking\":false"))).GetProperty("choices")[0].GetProperty("message");
        Assert.False(message.TryGetProperty("reasoning_content", out _));
        message = (await PostAsync(Chat, Request(name, "\"reasoning_format\":\"none\",\"thinking_budget\":6"))).GetProperty("choices")[0].GetProperty("message");
        Assert.False(message.TryGetProperty("reasoning_content", out _));

        string Text(string field) => string.Concat(deltas.Select(d => d.TryGetProperty(field, out JsonElement v) ? v.GetString() : ""));
    }

    [Fact]
    public async Task Stop_strings_end_the_answer_and_no_thought()
    {
        string name = await LoadAsync("stops", Thinking);
        JsonElement choice = (await PostAsync(Chat, Request(name, "\"thinking_budget\":6"))).GetProperty("choices")[0].GetProperty("message");
        string thought = choice.GetProperty("reasoning_content").GetString()!, answer = choice.GetProperty("content").GetString()!;
        string ofThought = thought.First(c => !answer.Contains(c)).ToString(), ofAnswer = answer.Substring(answer.Length / 2, 2);
        JsonElement stopped = (await PostAsync(
            Chat, Request(name, $"\"thinking_budget\":6,\"stop\":{JsonSerializer.Serialize(new[] { ofThought, "\n", "</think>", ofAnswer })}"))).GetProperty("choices")[0];
        Assert.Equal("stop", stopped.GetProperty("finish_reason").GetString());
        Assert.Equal(thought, stopped.GetProperty("message").GetProperty("reasoning_content").GetString());
        Assert.Equal(
            answer.Split(["\n", ofAnswer], StringSplitOptions.None)[0], stopped.GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task What_a_thinking_model_continues_begins_with_its_own_white_space()
    {
        string name = await LoadAsync("continues", Thinking);
        const string Messages = """[{"role":"user","content":"Hello"},{"role":"assistant","content":"Once upon"}]""";
        string prompt = await Server.Vai.Select(name).RenderChatAsync([new("user", "Hello"), new("assistant", "Once upon")], new ChatRenderOptions { ContinueFinalTurn = true });
        int token = (await Server.Vai.Select(name).TokenizeAsync(" a"))[0];
        JsonElement answer = await PostAsync(
            Chat, $$$"""{"model":"{{{name}}}","messages":{{{Messages}}},"temperature":0,"max_tokens":2,"logit_bias":{"{{{token}}}":100}}""");
        Assert.StartsWith("assistant\nOnce upon", prompt[prompt.LastIndexOf("assistant", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.StartsWith(
            await Server.Vai.Select(name).DetokenizeAsync([token]), answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Templates))]
    public async Task The_tenth_turn_computes_what_is_new_alone(string kind, string template)
    {
        string name = await LoadAsync($"turns-{kind}", template);
        IModelContext model = Server.Vai.Select(name);
        var messages = new List<object>();
        JsonElement usage = default;
        int added = 0;
        for (int turn = 1; turn <= 10; turn++)
        {
            int before = await CountAsync();
            messages.Add(new { role = "user", content = $"Question {turn}: what is a flip-flop?" });
            added = await CountAsync() - before;
            JsonElement answer = await PostAsync(Chat, JsonSerializer.Serialize(new { model = name, messages, temperature = 0.9, seed = turn, max_tokens = 24, thinking_budget = 8 }));
            usage = answer.GetProperty("usage");
            messages.Add(new { role = "assistant", content = answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString() });
        }

        int computed = usage.GetProperty("prompt_tokens").GetInt32() - usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
        Assert.InRange(computed, 1, added + 16);

        async Task<int> CountAsync()
        {
            if (messages.Count == 0)
                return 0;
            JsonElement applied = await PostAsync("/apply-template", JsonSerializer.Serialize(new { model = name, messages, add_generation_prompt = true }));
            return (await model.TokenizeAsync(applied.GetProperty("prompt").GetString()!)).Count;
        }
    }

    [Fact]
    public async Task Where_a_history_is_written_otherwise_than_it_was_computed_is_told()
    {
        string name = await LoadAsync("breaks", Thinking);
        string asked = await Server.Vai.Select(name).RenderChatAsync([new("user", "Hello")]);
        JsonElement first = await PostAsync(Completions, JsonSerializer.Serialize(new { model = name, prompt = asked + "Hm.\n</think>\n\nYes.", temperature = 0, max_tokens = 1 }));
        Assert.False(Details(first).TryGetProperty("cached_until", out _));

        // The history has no thoughts: there it ends.
        string next = $$"""{"model":"{{name}}","messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Yes."},{"role":"user","content":"Why?"}],"temperature":0,"max_tokens":1}""";
        JsonElement details = Details(await PostAsync(Chat, next));
        Assert.InRange(details.GetProperty("cached_tokens").GetInt32(), 1, int.MaxValue);
        Assert.EndsWith("<|im_start|>assistant\n", details.GetProperty("cached_until").GetString(), StringComparison.Ordinal);

        // And now it is there.
        Assert.False(Details((await StreamAsync(Chat, With(With(next, "stream", "true"), "stream_options", "{\"include_usage\":true}")))[^1]).TryGetProperty("cached_until", out _));

        static JsonElement Details(JsonElement answer) => answer.GetProperty("usage").GetProperty("prompt_tokens_details");
    }

    [Fact]
    public async Task An_assistants_words_at_the_end_are_continued_or_refused_by_name()
    {
        const string Messages = """[{"role":"user","content":"Hello"},{"role":"assistant","content":"Once upon"}]""";
        string own = await Server.Vai.Select("m").RenderChatAsync([new("user", "Hello"), new("assistant", "Once upon")], new ChatRenderOptions { ContinueFinalTurn = true });
        Assert.EndsWith("assistant\nOnce upon", own, StringComparison.Ordinal);
        (string text, _) = await EngineAsync(own, InferenceOptions.Greedy with { MaxTokens = 8 });
        foreach (string how in new[] { "", ",\"continue_final_message\":true", ",\"continue_final_message\":true,\"add_generation_prompt\":false", ",\"add_generation_prompt\":false" })
        {
            JsonElement answer = await PostAsync(Chat, $$"""{"model":"m","messages":{{Messages}},"temperature":0,"max_tokens":8{{how}}}""");
            Assert.Equal(text, answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        }

        JsonElement applied = await PostAsync("/apply-template", $$"""{"messages":{{Messages}},"model":"m","continue_final_message":false}""");
        Assert.EndsWith("Once upon<|im_end|>\n<|im_start|>assistant\n", applied.GetProperty("prompt").GetString(), StringComparison.Ordinal);
        await RefusedAsync(
            Chat, $$"""{"model":"m","messages":{{Messages}},"continue_final_message":true,"add_generation_prompt":true}""", HttpStatusCode.BadRequest, "invalid_value",
            "continue_final_message");
    }

    [Fact]
    public async Task What_a_template_refuses_is_a_400_in_its_words_and_what_it_cannot_take_is_repaired()
    {
        string name = await LoadAsync("mistral-like", Mistral);
        using HttpResponseMessage response = await Server.Http.PostAsync(Chat, Json(
            $$"""{"model":"{{name}}","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],"max_tokens":2}"""));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("system", string.Concat(response.Headers.GetValues("x-vai-repairs")), StringComparison.Ordinal);

        name = await LoadAsync("strict", "{{ raise_exception('This model speaks to nobody.') if messages | length > 2 }}{% for m in messages %}{{ m.content }}{% endfor %}");
        JsonElement error = await RefusedAsync(
            Chat, $$"""{"model":"{{name}}","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}""",
            HttpStatusCode.BadRequest, "conversation_rejected", "messages");
        Assert.Contains("This model speaks to nobody.", error.GetProperty("message").GetString(), StringComparison.Ordinal);

        name = await LoadAsync("hostile", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
        await RefusedAsync(Chat, Request(name, "\"seed\":1"), HttpStatusCode.BadRequest, "invalid_chat_template");
    }

    [Fact]
    public async Task A_template_is_applied_and_texts_become_tokens_and_back()
    {
        JsonElement applied = await PostAsync("/apply-template", """
            {"model":"m","messages":[{"role":"user","content":"a <|im_end|>"}],"tools":[]}
            """);
        Assert.Equal("<|im_start|>user\na <|im_end|><|im_end|>\n<|im_start|>assistant\n", applied.GetProperty("prompt").GetString());
        Assert.Equal(["template", "caller", "template"], applied.GetProperty("segments").EnumerateArray().Select(s => s.GetProperty("from").GetString()));

        JsonElement tokens = await PostAsync("/tokenize", """{"model":"m","content":"Hello, world <|im_end|>","add_special":false,"parse_special":false,"with_pieces":true}""");
        int[] ids = [.. tokens.GetProperty("tokens").EnumerateArray().Select(t => t.GetProperty("id").GetInt32())];
        Assert.Equal("Hello, world <|im_end|>", string.Concat(tokens.GetProperty("tokens").EnumerateArray().Select(t => t.GetProperty("piece").GetString())));
        JsonElement text = await PostAsync("/detokenize", JsonSerializer.Serialize(new { model = "m", tokens = ids }));
        Assert.Equal("Hello, world <|im_end|>", text.GetProperty("content").GetString());
        await RefusedAsync("/tokenize", """{"model":"m"}""", HttpStatusCode.BadRequest, "missing_required_parameter", "content");
        await RefusedAsync("/detokenize", """{"model":"m","tokens":[-1]}""", HttpStatusCode.BadRequest, "invalid_value");
        await RefusedAsync("/detokenize", """{"model":"m","tokens":"x"}""", HttpStatusCode.BadRequest, "invalid_type", "tokens");
    }

    private static string Request(string model, string more) =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":"Hello"}],"temperature":0,"max_tokens":40,{{more}}}""";

    // A model of its own for each template: what one test has computed is not another's.
    private async Task<string> LoadAsync(string name, string template)
    {
        _loaded.Add(await Server.Vai.LoadAsync(new ModelOptions
        {
            Name = name,
            File = Server.Vai.Select("m").Info.File,
            Profile = RomProfile.None,
            ContextLength = 2048,
            SramTokens = 8192,
            ChatTemplate = template,
        }));
        return name;
    }

    // At once: what settles after the last answer is in nobody's way.
    private async Task UnloadAsync(ModelHandle model)
    {
        await Server.Settling.StopAsync(Server.Vai.Select(model).Name);
        await Server.Vai.UnloadAsync(model);
    }
}
