using System.Net;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi.Structured;

/// <summary>Answers that must be something, where more is asked for, or less is there: over HTTP, several at once.</summary>
public sealed class ConstraintSituationTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Schema = """{"type":"object","properties":{"n":{"type":"integer","minimum":10,"maximum":99},"s":{"type":"string","maxLength":6}},"required":["n","s"],"additionalProperties":false}""";

    [Fact]
    public async Task Each_of_several_answers_fits_and_they_differ()
    {
        JsonElement answer = await PostAsync(Chat, Request(Schema, "\"n\":4"));
        string[] texts = [.. answer.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("message").GetProperty("content").GetString()!)];
        Assert.All(texts, t => Assert.True(Constraint.JsonSchema(Schema).Accepts(t), t));
        Assert.True(texts.Distinct().Count() > 1, texts[0]);
    }

    [Fact]
    public async Task An_answer_that_is_cut_begins_one_that_fits_and_says_why_it_ended()
    {
        JsonElement choice = (await PostAsync(Chat, Request(Schema, "\"max_tokens\":1"))).GetProperty("choices")[0];
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        Assert.StartsWith("{", choice.GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);
        choice = (await PostAsync(Chat, Request(Schema, "\"stop\":[\"\\\"s\\\"\"]"))).GetProperty("choices")[0];
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Contains("\"n\"", choice.GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probabilities_are_given_beside_it()
    {
        JsonElement choice = (await PostAsync(Chat, Request(Schema, "\"logprobs\":true,\"top_logprobs\":2,\"top_k\":1,\"frequency_penalty\":2"))).GetProperty("choices")[0];
        string text = choice.GetProperty("message").GetProperty("content").GetString()!;
        Assert.True(Constraint.JsonSchema(Schema).Accepts(text), text);
        Assert.All(choice.GetProperty("logprobs").GetProperty("content").EnumerateArray(), t => Assert.True(t.GetProperty("logprob").GetDouble() <= 0));
    }

    [Fact]
    public async Task What_cannot_be_held_by_the_model_is_a_400_also_of_a_stream()
    {
        string tools = string.Join(',', Enumerable.Range(0, 129).Select(i => $$$"""{"type":"function","function":{"name":"f{{{i}}}"}}"""));
        await RefusedAsync(Chat, $$"""{"model":"m","messages":[{"role":"user","content":"Hi"}],"tools":[{{tools}}]}""", HttpStatusCode.BadRequest, "invalid_value", "tools");

        // Of all tokens that an answer begins with none is left: each that comes is banned.
        var banned = new Dictionary<int, float>();
        await Assert.ThrowsAsync<VaiUsageException>(async () =>
        {
            while (true)
            {
                await using IInferenceSession session = Server.Vai.Select("m").OpenSession();
                await foreach (InferenceUpdate update in session.InferAsync("x", new InferenceOptions { Constraint = Constraint.JsonSchema(Schema), MaxTokens = 1, LogitBias = banned }))
                    banned.TryAdd(update.TokenId < 0 ? 0 : update.TokenId, float.NegativeInfinity);
            }
        });
        string bias = string.Join(',', banned.Keys.Select(t => $"\"{t}\":-100"));
        foreach (string stream in new[] { "false", "true" })
            await RefusedAsync(Chat, Request(Schema, $"\"logit_bias\":{{{bias}}},\"stream\":{stream}"), HttpStatusCode.BadRequest, "invalid_value");

        await AnswersAsync();
    }

    [Fact]
    public async Task Many_that_cost_much_at_once_are_answered_or_refused_and_so_is_who_asks_beside_them()
    {
        string[] constraints =
        [
            .. Enumerable.Range(0, 16).Select(i => "\"guided_regex\":\"[a-z]{" + (i + 1) + "}x{1,60000}\""),
            .. Enumerable.Range(0, 16).Select(i => "\"guided_regex\":\".*a.{" + (20 + i) + "}\""),
            .. Enumerable.Range(0, 16).Select(i => "\"guided_json\":{\"enum\":[" + string.Join(',', Enumerable.Range(i, 20_000)) + "]}"),
            .. Enumerable.Range(0, 16).Select(i => "\"guided_json\":" + Schema.Replace("99", $"{80 + i}", StringComparison.Ordinal)),
        ];
        HttpStatusCode[] statuses = await Task.WhenAll(constraints.Select(async c =>
        {
            using HttpResponseMessage response = await Server.Http.PostAsync(
                Chat, Json($$"""{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":4,{{c}}}"""));
            string body = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.TooManyRequests, body);
            return response.StatusCode;
        }).Append(Task.Run(async () =>
        {
            await AnswersAsync();
            return HttpStatusCode.OK;
        })));
        Assert.All(statuses[48..], s => Assert.Equal(HttpStatusCode.OK, s));
        Assert.All(statuses[16..32], s => Assert.Equal(HttpStatusCode.BadRequest, s));
    }

    [Fact]
    public async Task Who_goes_away_in_the_middle_leaves_the_others_their_answers()
    {
        string endless = Request("""{"type":"string","minLength":400}""", "\"stream\":true,\"max_tokens\":450");
        JsonElement alone = await PostAsync(Chat, Request(Schema, "\"top_p\":0.9"));
        Task<JsonElement>[] others = [.. Enumerable.Range(0, 3).Select(_ => PostAsync(Chat, Request(Schema, "\"top_p\":0.9")))];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = Json(endless) };
            using HttpResponseMessage response = await Server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            await using Stream body = await response.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await body.ReadAsync(new byte[64]));
        }));
        Assert.All(await Task.WhenAll(others), o => Assert.Equal(Said(alone), Said(o)));
        Assert.Equal(Said(alone), Said(await PostAsync(Chat, Request(Schema, "\"top_p\":0.9"))));
    }

    private static string? Said(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();

    private static string Request(string schema, string more) =>
        $$"""{"model":"m","messages":[{"role":"user","content":"Hello"}],"temperature":1.5,"seed":7,"guided_json":{{schema}},{{(more.Contains("max_tokens", StringComparison.Ordinal) ? "" : "\"max_tokens\":200,")}}{{more}}}""";
}
