using System.Net;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi;

public sealed class ChatTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Request = """{"model":"m","messages":[{"role":"user","content":"Hello"}],"temperature":0,"max_tokens":12}""";

    [Fact]
    public async Task An_answer_is_what_the_engine_says_to_the_models_own_template()
    {
        string prompt = await Server.Vai.Select("m").RenderChatAsync([new("system", "Be brief."), new("user", "Hello, world")]);
        (string text, InferenceResult result) = await EngineAsync(prompt, InferenceOptions.Greedy with { MaxTokens = 12 });

        JsonElement answer = await PostAsync(Chat, """
            {"model":"m","temperature":0,"max_completion_tokens":12,"messages":[
              {"role":"developer","content":"Be brief."},
              {"role":"user","name":"ann","content":[{"type":"text","text":"Hello,"},{"type":"text","text":" world"}]}],
             "user":"u","metadata":{"a":"b"},"store":false,"tools":[],"tool_choice":"none","response_format":{"type":"text"},
             "logprobs":false,"top_logprobs":null,"parallel_tool_calls":true,"service_tier":"auto","stop":null,"logit_bias":null}
            """);

        Assert.Equal("chat.completion", answer.GetProperty("object").GetString());
        Assert.StartsWith("chatcmpl-", answer.GetProperty("id").GetString());
        Assert.Equal("m", answer.GetProperty("model").GetString());
        JsonElement choice = Assert.Single(answer.GetProperty("choices").EnumerateArray());
        Assert.Equal("assistant", choice.GetProperty("message").GetProperty("role").GetString());
        Assert.Equal(text, choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        JsonElement usage = answer.GetProperty("usage");
        Assert.Equal(result.PromptTokens, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(12, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(result.PromptTokens + 12, usage.GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stream_has_the_same_text_a_role_first_and_the_usage_last()
    {
        string whole = (await PostAsync(Chat, Request)).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        List<JsonElement> events = await StreamAsync(Chat, With(With(Request, "stream", "true"), "stream_options", """{"include_usage":true}"""));

        Assert.Single(events.Select(e => e.GetProperty("id").GetString()).Distinct());
        Assert.All(events, e => Assert.Equal("chat.completion.chunk", e.GetProperty("object").GetString()));
        Assert.Equal("assistant", Delta(events[0]).GetProperty("role").GetString());
        Assert.Equal(whole, string.Concat(events[1..^2].Select(e => Delta(e).GetProperty("content").GetString())));
        Assert.All(events[..^2], e => Assert.Equal(JsonValueKind.Null, e.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
        Assert.Equal("length", events[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.All(events[..^1], e => Assert.Equal(JsonValueKind.Null, e.GetProperty("usage").ValueKind));
        Assert.Equal(0, events[^1].GetProperty("choices").GetArrayLength());
        Assert.Equal(12, events[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());

        events = await StreamAsync(Chat, With(Request, "stream", "true"));
        Assert.DoesNotContain(events, e => e.TryGetProperty("usage", out _));

        static JsonElement Delta(JsonElement e) => e.GetProperty("choices")[0].GetProperty("delta");
    }

    [Fact]
    public async Task Several_answers_have_seeds_of_their_own_and_follow_from_the_first()
    {
        string request = With(With(With(Request, "temperature", "1.5"), "n", "3"), "seed", "5");
        string prompt = await Server.Vai.Select("m").RenderChatAsync([new("user", "Hello")]);
        JsonElement answer = await PostAsync(Chat, request);
        string[] texts = [.. answer.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("message").GetProperty("content").GetString()!)];
        Assert.Equal([0, 1, 2], answer.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("index").GetInt32()));
        for (uint i = 0; i < 3; i++)
        {
            InferenceOptions options = OpenAiDefaults with { Temperature = 1.5f, MaxTokens = 12, Seed = 5 + i };
            Assert.Equal((await EngineAsync(prompt, options)).Text, texts[i]);
        }

        int tokens = (await PostAsync(Chat, Request)).GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        Assert.Equal(tokens, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(36, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());

        List<JsonElement> events = await StreamAsync(Chat, With(request, "stream", "true"));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(texts[i], string.Concat(events.Select(e => e.GetProperty("choices")[0])
                .Where(c => c.GetProperty("index").GetInt32() == i && c.GetProperty("delta").TryGetProperty("content", out _))
                .Select(c => c.GetProperty("delta").GetProperty("content").GetString())));
        }
    }

    [Fact]
    public async Task A_fingerprint_names_what_decides_the_tokens()
    {
        string said = (await PostAsync(Chat, Request)).GetProperty("system_fingerprint").GetString()!;
        Assert.Matches("^vai-[0-9.]+(-[0-9A-Za-z.]+)*-[0-9A-Za-z.]+-[0-9a-f]{8}-exact$", said);
        Assert.EndsWith(Server.Vai.Select("m").Info.Fingerprint!, said);
        Assert.EndsWith("-norom-none", Server.Vai.Select("e").Info.Fingerprint);
        Assert.All(await StreamAsync(Chat, With(Request, "stream", "true")), e => Assert.Equal(said, e.GetProperty("system_fingerprint").GetString()));
        JsonElement text = await PostAsync(Completions, """{"model":"m","prompt":"x","max_tokens":1}""");
        Assert.Equal(said, text.GetProperty("system_fingerprint").GetString());
    }

    [Fact]
    public async Task Asked_again_the_prompt_is_cached()
    {
        string prompt = string.Concat(Enumerable.Repeat("A prompt that was not asked before. ", 10));
        string request = With(Request, "messages", $$"""[{"role":"user","content":{{Quote(prompt)}}}]""");
        await PostAsync(Chat, request);
        JsonElement usage = (await PostAsync(Chat, request)).GetProperty("usage");
        Assert.True(usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32() > 0);
    }

    [Theory]
    [InlineData("functions", """[{"name":"f"}]""", "unsupported_parameter")]
    [InlineData("tool_choice", "\"required\"", "invalid_value")]
    [InlineData("logprobs", "3", "invalid_type")]
    [InlineData("top_logprobs", "3", "invalid_value")]
    [InlineData("top_logprobs", "21", "invalid_value")]
    [InlineData("store", "true", "unsupported_parameter")]
    [InlineData("reasoning_effort", "\"much\"", "invalid_value")]
    [InlineData("enable_thinking", "1", "invalid_type")]
    [InlineData("thinking", "true", "invalid_type")]
    [InlineData("thinking_budget", "-2", "invalid_value")]
    [InlineData("reasoning_format", "\"other\"", "invalid_value")]
    [InlineData("chat_template_kwargs", """{"messages":[]}""", "invalid_value")]
    [InlineData("chat_template_kwargs", "[]", "invalid_type")]
    [InlineData("chat_template", "\"{{ 1 }}\"", "unsupported_parameter")]
    [InlineData("continue_final_message", "true", "invalid_value")]
    [InlineData("add_generation_prompt", "false", "unsupported_parameter")]
    [InlineData("web_search_options", "{}", "unsupported_parameter")]
    [InlineData("guided_grammar", "\"root ::= x\"", "unsupported_parameter")]
    [InlineData("structured_outputs", "{}", "unsupported_parameter")]
    [InlineData("ignore_eos", "true", "unsupported_parameter")]
    [InlineData("min_tokens", "5", "unsupported_parameter")]
    [InlineData("mirostat", "2", "unsupported_parameter")]
    [InlineData("stop_token_ids", "[1]", "unsupported_parameter")]
    [InlineData("repetition_penalty", "11", "invalid_value")]
    [InlineData("typical_p", "2", "invalid_value")]
    [InlineData("modalities", """["text","audio"]""", "unsupported_parameter")]
    [InlineData("n", "9", "invalid_value")]
    [InlineData("n", "0", "invalid_value")]
    [InlineData("max_completion_tokens", "0", "invalid_value")]
    [InlineData("metadata", "1", "invalid_type")]
    [InlineData("messages", "[]", "invalid_value")]
    [InlineData("messages", "\"hello\"", "invalid_type")]
    [InlineData("model", "7", "invalid_type")]
    [InlineData("stream", "\"yes\"", "invalid_type")]
    [InlineData("stream_options", """{"include_usage":true}""", "invalid_value")]
    public async Task What_is_not_offered_or_out_of_range_is_refused_by_name(string field, string value, string code)
    {
        JsonElement error = await RefusedAsync(Chat, With(Request, field, value), HttpStatusCode.BadRequest, code, field);
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("""[{"role":"tool","tool_call_id":"1"}]""", "missing_required_parameter", "messages[0].content")]
    [InlineData("""[{"role":"user","content":null}]""", "missing_required_parameter", "messages[0].content")]
    [InlineData("""[{"role":"assistant","tool_calls":[{"type":"custom"}]}]""", "unsupported_parameter", "messages[0].tool_calls[0].type")]
    [InlineData("""[{"role":"assistant","tool_calls":[{}]}]""", "missing_required_parameter", "messages[0].tool_calls[0].function")]
    [InlineData("""[{"role":"assistant","audio":{"id":"x"}}]""", "unsupported_parameter", "messages[0].audio")]
    [InlineData("""[{"role":"user","content":"x"},{"role":"king","content":"x"}]""", "invalid_value", "messages[1].role")]
    [InlineData("""[{"role":"user"}]""", "missing_required_parameter", "messages[0].content")]
    [InlineData("""[{"content":"x"}]""", "missing_required_parameter", "messages[0].role")]
    [InlineData("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]""", "unsupported_content", "messages[0].content[0].type")]
    [InlineData("""["x"]""", "invalid_type", "messages[0]")]
    public Task A_message_that_is_none_is_refused_by_its_place(string messages, string code, string param) =>
        RefusedAsync(Chat, With(Request, "messages", messages), HttpStatusCode.BadRequest, code, param);

    [Fact]
    public async Task A_model_that_embeds_does_not_chat() =>
        await RefusedAsync(Chat, With(Request, "model", "\"e\""), HttpStatusCode.BadRequest, "unsupported", "model");
}
