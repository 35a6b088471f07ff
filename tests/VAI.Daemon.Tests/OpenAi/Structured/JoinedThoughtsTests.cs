using System.Net;
using System.Text;
using System.Text.Json;
using VAI.Daemon.Tests.Ai;

namespace VAI.Daemon.Tests.OpenAi.Structured;

/// <summary><c>reasoning_format</c> of <c>none</c>: thoughts are in the content as the model wrote them, also where the engine has to know them.</summary>
[Collection(AiCollection.Name)]
public sealed class JoinedThoughtsTests(AiServer server)
{
    private const string Content = "<think>\nHm, well.\n</think>\n\nYes.";

    [Theory]
    [InlineData("", Content)]
    [InlineData(",\"guided_regex\":\"Yes\\\\.\"", Content)]
    [InlineData(",\"thinking_budget\":100", Content)]
    [InlineData(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}]", Content)]
    [InlineData(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}]", "<think>\nA tool knows.\n</think>\n\n", "Use a tool", 1)]
    [InlineData(",\"guided_regex\":\"Yes\\\\.\",\"enable_thinking\":false", "Yes.")]
    public async Task Thoughts_are_in_the_content_with_their_marks(string more, string content, string says = "Hello", int calls = 0)
    {
        string request = $$"""{"model":"t","messages":[{"role":"user","content":"{{says}}"}],"temperature":0,"max_tokens":200,"reasoning_format":"none"{{more}}""";
        JsonElement message = JsonDocument.Parse(await PostAsync(request + "}")).RootElement.GetProperty("choices")[0].GetProperty("message");
        Assert.Equal(content, message.GetProperty("content").GetString());
        Assert.False(message.TryGetProperty("reasoning_content", out _));
        Assert.Equal(calls, message.TryGetProperty("tool_calls", out JsonElement made) ? made.GetArrayLength() : 0);

        JsonElement[] deltas =
        [
            .. (await PostAsync(request + ",\"stream\":true}")).Split("\n\n").Where(e => e.StartsWith("data: {", StringComparison.Ordinal))
                .Select(e => JsonDocument.Parse(e[6..]).RootElement.GetProperty("choices")[0].GetProperty("delta")),
        ];
        Assert.Equal(content, string.Concat(deltas.Select(d => d.TryGetProperty("content", out JsonElement c) ? c.GetString() : "")));
        Assert.DoesNotContain(deltas, d => d.TryGetProperty("reasoning_content", out _));
    }

    private async Task<string> PostAsync(string json)
    {
        using HttpResponseMessage response = await server.Http.PostAsync("/v1/chat/completions", new StringContent(json, Encoding.UTF8, "application/json"));
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        return body;
    }
}
