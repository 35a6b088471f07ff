using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>What the API's tests share: sending JSON and reading answers, errors and streams.</summary>
[Collection(OpenAiCollection.Name)]
public abstract class OpenAiTest(OpenAiServer server)
{
    protected const string Chat = "/v1/chat/completions";
    protected const string Completions = "/v1/completions";
    protected const string Embeddings = "/v1/embeddings";

    /// <summary>OpenAI's sampling: the model's own distribution.</summary>
    protected static InferenceOptions OpenAiDefaults { get; } = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0 };

    protected OpenAiServer Server { get; } = server;

    protected static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    protected async Task<JsonElement> PostAsync(string path, string json)
    {
        using HttpResponseMessage response = await Server.Http.PostAsync(path, Json(json));
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        JsonElement answer = JsonDocument.Parse(body).RootElement;
        DescribedAnswers.Check(answer, path);
        return answer;
    }

    /// <summary>Sends what must be refused; returns the error.</summary>
    protected Task<JsonElement> RefusedAsync(string path, string json, HttpStatusCode status, string code, string? param = null) =>
        RefusedAsync(path, Json(json), status, code, param);

    protected async Task<JsonElement> RefusedAsync(string path, HttpContent content, HttpStatusCode status, string code, string? param = null)
    {
        using HttpResponseMessage response = await Server.Http.PostAsync(path, content);
        JsonElement error = await ErrorAsync(response, status, code);
        if (param is not null)
            Assert.Equal(param, error.GetProperty("param").GetString());
        return error;
    }

    protected static async Task<JsonElement> ErrorAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {body}");
        JsonElement error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Equal(["code", "message", "param", "type"], error.EnumerateObject().Select(p => p.Name).Order());
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEqual("", error.GetProperty("message").GetString());
        Assert.True(error.GetProperty("message").GetString()!.Length < 1000);
        return error;
    }

    /// <summary>The events of a stream, without the [DONE] it must end with.</summary>
    protected async Task<List<JsonElement>> StreamAsync(string path, string json)
    {
        using HttpResponseMessage response = await Server.Http.PostAsync(path, Json(json));
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        string[] events = body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.All(events, e => Assert.StartsWith("data: ", e));
        Assert.Equal("data: [DONE]", events[^1]);
        List<JsonElement> all = [.. events[..^1].Select(e => JsonDocument.Parse(e["data: ".Length..]).RootElement)];
        all.ForEach(e => DescribedAnswers.Check(e, path, streams: true));
        return all;
    }

    /// <summary>What the engine itself says.</summary>
    protected async Task<(string Text, InferenceResult Result)> EngineAsync(string prompt, InferenceOptions options)
    {
        await using IInferenceSession session = Server.Vai.Select("m").OpenSession();
        var text = new StringBuilder();
        InferenceResult? result = null;
        await foreach (InferenceUpdate update in session.InferAsync(prompt, options))
        {
            text.Append(update.Text);
            result = update.Result;
        }

        return (text.ToString(), result!);
    }

    protected async Task AnswersAsync()
    {
        JsonElement answer = await PostAsync(Completions, """{"model":"m","prompt":"still there?","max_tokens":1}""");
        Assert.Equal(1, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    protected static string With(string json, string field, string value)
    {
        JsonObject request = JsonNode.Parse(json)!.AsObject();
        request.Remove(field);
        return request.ToJsonString()[..^1] + $",\"{field}\":{value}}}";
    }

    protected static string Quote(string text) => JsonSerializer.Serialize(text);
}
