using System.Net;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi;

public sealed class CompletionTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Request = """{"model":"m","prompt":"Once upon a time","temperature":0}""";

    [Fact]
    public async Task A_text_is_continued_by_sixteen_tokens()
    {
        (string text, InferenceResult result) = await EngineAsync("Once upon a time", InferenceOptions.Greedy with { MaxTokens = 16 });
        JsonElement answer = await PostAsync(Completions, Request);
        Assert.Equal("text_completion", answer.GetProperty("object").GetString());
        Assert.Equal(text, Text(answer));
        Assert.Equal(result.PromptTokens, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(16, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());

        List<JsonElement> events = await StreamAsync(Completions, With(Request, "stream", "true"));
        Assert.Equal(text, string.Concat(events.Select(Text)));
        Assert.Equal("length", events[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Prompts_may_be_several_and_tokens()
    {
        string whole = Text(await PostAsync(Completions, Request));
        int[] tokens = [.. await Server.Vai.Select("m").TokenizeAsync("Once upon a time")];
        string ids = JsonSerializer.Serialize(tokens);
        Assert.Equal(whole, Text(await PostAsync(Completions, With(Request, "prompt", ids))));

        JsonElement answer = await PostAsync(Completions, With(With(Request, "prompt", """["Other","Once upon a time"]"""), "n", "2"));
        Assert.Equal([0, 1, 2, 3], answer.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("index").GetInt32()));
        Assert.Equal(whole, answer.GetProperty("choices")[2].GetProperty("text").GetString());
        Assert.Equal(whole, answer.GetProperty("choices")[3].GetProperty("text").GetString());
        Assert.NotEqual(whole, answer.GetProperty("choices")[0].GetProperty("text").GetString());

        answer = await PostAsync(Completions, With(Request, "prompt", $"[{ids},{ids}]"));
        Assert.Equal(whole, answer.GetProperty("choices")[1].GetProperty("text").GetString());
        Assert.Equal(2 * tokens.Length, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_and_is_no_part_of_it()
    {
        string whole = Text(await PostAsync(Completions, Request));
        int at = whole.Length / 2;
        string stop = whole.Substring(at, 3);
        string before = whole[..whole.IndexOf(stop, StringComparison.Ordinal)];
        foreach (string value in (string[])[Quote(stop), $"[\"no such text\",{Quote(stop)}]"])
        {
            JsonElement answer = await PostAsync(Completions, With(Request, "stop", value));
            Assert.Equal(before, Text(answer));
            Assert.Equal("stop", answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        }
    }

    [Fact]
    public async Task Seed_bias_and_penalties_reach_the_sampler()
    {
        string request = With(With(Request, "temperature", "1.5"), "seed", "-7");
        string one = Text(await PostAsync(Completions, request));
        Assert.Equal(one, Text(await PostAsync(Completions, request)));
        Assert.NotEqual(one, Text(await PostAsync(Completions, With(request, "seed", "8"))));

        int token = (await Server.Vai.Select("m").TokenizeAsync("x", addSpecial: false))[0];
        string piece = await Server.Vai.Select("m").DetokenizeAsync([token]);
        string biased = With(Request, "logit_bias", $"{{\"{token}\":100}}");
        Assert.Equal(string.Concat(Enumerable.Repeat(piece, 16)), Text(await PostAsync(Completions, biased)));
        string penalised = With(With(biased, "frequency_penalty", "2"), "repeat_penalty", "10");
        Assert.NotEqual(Text(await PostAsync(Completions, biased)), Text(await PostAsync(Completions, penalised)));
        Assert.DoesNotContain(piece, Text(await PostAsync(Completions, With(Request, "logit_bias", $"{{\"{token}\":-100}}"))));
        string whole = Text(await PostAsync(Completions, Request));
        Assert.Equal(whole, Text(await PostAsync(Completions, With(With(With(Request, "temperature", "2"), "top_k", "1"), "min_p", "0"))));
        Assert.Equal(whole, Text(await PostAsync(Completions, With(With(Request, "temperature", "2"), "top_p", "0"))));
    }

    [Theory]
    [InlineData("echo", "true", "unsupported_parameter")]
    [InlineData("suffix", "\"x\"", "unsupported_parameter")]
    [InlineData("n_predict", "0", "invalid_value")]
    [InlineData("best_of", "2", "unsupported_parameter")]
    [InlineData("logprobs", "21", "invalid_value")]
    [InlineData("logprobs", "true", "invalid_value")]
    [InlineData("prompt", "\"\"", "invalid_value")]
    [InlineData("prompt", "[]", "invalid_value")]
    [InlineData("prompt", "[1,-2]", "invalid_value")]
    [InlineData("prompt", "[1,999999]", "invalid_value")]
    [InlineData("prompt", "[1,\"a\"]", "invalid_value")]
    [InlineData("prompt", "{}", "invalid_type")]
    [InlineData("logit_bias", "{\"999999\":1}", "invalid_value")]
    [InlineData("logit_bias", "{\"a\":1}", "invalid_value")]
    [InlineData("logit_bias", "{\"1\":101}", "invalid_value")]
    [InlineData("logit_bias", "[1]", "invalid_type")]
    [InlineData("stop", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\"]", "invalid_value")]
    [InlineData("stop", "\"\"", "invalid_value")]
    [InlineData("stop", "[1]", "invalid_type")]
    public Task What_is_not_offered_or_out_of_range_is_refused_by_name(string field, string value, string code) =>
        RefusedAsync(Completions, With(Request, field, value), HttpStatusCode.BadRequest, code, field);

    [Fact]
    public Task More_answers_than_one_request_may_have_are_refused() => RefusedAsync(
        Completions, With(With(Request, "prompt", JsonSerializer.Serialize(Enumerable.Repeat("a", 5))), "n", "8"), HttpStatusCode.BadRequest,
        "invalid_value", "n");

    private static string Text(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("text").GetString()!;
}
