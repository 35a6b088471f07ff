using System.ClientModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Models;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Clients as they are: OpenAI's for .NET, the one from npm, and curl.</summary>
public sealed partial class ClientTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Script = """
        import OpenAI from 'openai';
        const client = new OpenAI({ baseURL: process.argv[2] + 'v1', apiKey: 'none', maxRetries: 0 });
        const ask = { model: 'm', messages: [{ role: 'user', content: 'Hello' }], temperature: 0, max_tokens: 8 };
        const out = {};
        out.models = (await client.models.list()).data.map(m => m.id);
        out.model = (await client.models.retrieve('m')).id;
        const chat = await client.chat.completions.create(ask);
        out.chat = chat.choices[0].message.content;
        out.again = (await client.chat.completions.create({ ...ask, messages: [...ask.messages, chat.choices[0].message, ...ask.messages] })).usage.completion_tokens;
        out.stream = '';
        for await (const chunk of await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
          out.stream += chunk.choices[0]?.delta?.content ?? '';
          out.usage = chunk.usage?.completion_tokens ?? out.usage;
        }
        const helper = client.chat.completions.stream(ask);
        out.helper = await helper.finalContent();
        const called = client.chat.completions.stream({ ...ask, temperature: 1.3, seed: 4, max_tokens: 160, tool_choice: 'required',
          tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string', maxLength: 8 } }, required: ['city'] } } }] });
        out.pieces = 0;
        called.on('tool_calls.function.arguments.delta', () => out.pieces++);
        out.calls = (await called.finalChatCompletion()).choices[0].message.tool_calls.map(c => [c.type, c.function.name, Object.keys(JSON.parse(c.function.arguments))]);
        out.completion = (await client.completions.create({ model: 'm', prompt: 'Hello', temperature: 0, max_tokens: 8 })).choices[0].text;
        out.embedding = (await client.embeddings.create({ model: 'e', input: 'one' })).data[0].embedding;
        try { await client.chat.completions.create({ ...ask, model: 'nobody' }); }
        catch (e) { out.error = [e.status, e.code, e.param, e.constructor.name]; }
        console.log(JSON.stringify(out));
        """;

    private OpenAIClient Client => new(
        new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(Server.Address, "v1") });

    [Fact]
    public async Task The_OpenAI_package_for_NET_chats()
    {
        ChatClient chat = Client.GetChatClient("m");
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 8, FrequencyPenalty = 0, TopP = 1, EndUserId = "u" };
        options.StopSequences.Add("no such text");
        ChatMessage[] messages = [new SystemChatMessage("Be brief."), new UserChatMessage("Hello")];
        ChatCompletion answer = await chat.CompleteChatAsync(messages, options);
        string prompt = await Server.Vai.Select("m").RenderChatAsync([new("system", "Be brief."), new("user", "Hello")]);
        string expected = (await EngineAsync(prompt, InferenceOptions.Greedy with { MaxTokens = 8 })).Text;
        Assert.Equal(expected, answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal(8, answer.Usage.OutputTokenCount);

        var text = new StringBuilder();
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync(messages, options))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate)
                text.Append(part.Text);
            usage = update.Usage ?? usage;
        }

        Assert.Equal(expected, text.ToString());
        Assert.Equal(8, usage?.OutputTokenCount);

        // The answer goes back as a turn of the conversation.
        ChatCompletion next = await chat.CompleteChatAsync([.. messages, new AssistantChatMessage(answer), new UserChatMessage("And?")], options);
        Assert.Equal(8, next.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task The_OpenAI_package_for_NET_puts_calls_together_that_come_in_pieces()
    {
        var options = new ChatCompletionOptions { Temperature = 1.3f, MaxOutputTokenCount = 160, ToolChoice = ChatToolChoice.CreateRequiredChoice() };
        options.Tools.Add(ChatTool.CreateFunctionTool("weather", null, BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string","maxLength":8}},"required":["city"]}""")));
        var names = new Dictionary<int, string>();
        var arguments = new Dictionary<int, string>();
        int pieces = 0;
        await foreach (StreamingChatCompletionUpdate update in Client.GetChatClient("m").CompleteChatStreamingAsync([new UserChatMessage("Hi")], options))
        {
            foreach (StreamingChatToolCallUpdate call in update.ToolCallUpdates)
            {
                pieces++;
                if (call.FunctionName is { } name)
                    names.Add(call.Index, name);
                Assert.Equal(call.FunctionName is null, call.ToolCallId is null);
                arguments[call.Index] = arguments.GetValueOrDefault(call.Index, "") + call.FunctionArgumentsUpdate;
            }
        }

        Assert.NotEmpty(names);
        Assert.True(pieces > 3 * names.Count);
        Assert.All(names.Values, n => Assert.Equal("weather", n));
        Assert.All(arguments.Values.SkipLast(1), a => Assert.Equal(JsonValueKind.String, JsonElement.Parse(a).GetProperty("city").ValueKind));
    }

    [Fact]
    public async Task The_OpenAI_package_for_NET_embeds_lists_models_and_reads_errors()
    {
        EmbeddingClient embedding = Client.GetEmbeddingClient("e");
        OpenAIEmbeddingCollection vectors = await embedding.GenerateEmbeddingsAsync(["one", "two words"]);
        Assert.Equal(await Server.Vai.Select("e").EmbedAsync("one"), vectors[0].ToFloats());
        Assert.Equal(await Server.Vai.Select("e").EmbedAsync("two words"), vectors[1].ToFloats());

        OpenAIModelCollection models = await Client.GetOpenAIModelClient().GetModelsAsync();
        Assert.Equal(["m", "e"], models.Select(m => m.Id));
        OpenAIModel model = await Client.GetOpenAIModelClient().GetModelAsync("m");
        Assert.Equal("vai", model.OwnedBy);

        ClientResultException error = await Assert.ThrowsAsync<ClientResultException>(
            () => Client.GetChatClient("nobody").CompleteChatAsync("Hello"));
        Assert.Equal(404, error.Status);
        Assert.Contains("model_not_found", error.Message);
    }

    [Fact]
    public async Task The_openai_package_from_npm_works_unchanged()
    {
        string folder = Directory.CreateDirectory(Server.NewFile("npm")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), """{"private":true,"type":"module"}""");
        await File.WriteAllTextAsync(Path.Combine(folder, "test.mjs"), Script);
        await RunAsync(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "openai@6.49.0");
        JsonElement result = JsonDocument.Parse(await RunAsync(folder, "node", "test.mjs", Server.Address.ToString())).RootElement;

        string prompt = await Server.Vai.Select("m").RenderChatAsync([new("user", "Hello")]);
        string chat = (await EngineAsync(prompt, InferenceOptions.Greedy with { MaxTokens = 8 })).Text;
        string completion = (await EngineAsync("Hello", InferenceOptions.Greedy with { MaxTokens = 8 })).Text;
        Assert.Equal(["m", "e"], result.GetProperty("models").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal("m", result.GetProperty("model").GetString());
        Assert.Equal(chat, result.GetProperty("chat").GetString());
        Assert.Equal(chat, result.GetProperty("stream").GetString());
        Assert.Equal(chat, result.GetProperty("helper").GetString());
        Assert.Equal(8, result.GetProperty("usage").GetInt32());
        Assert.Equal(8, result.GetProperty("again").GetInt32());
        Assert.True(result.GetProperty("pieces").GetInt32() > 2);
        Assert.All(result.GetProperty("calls").EnumerateArray(), c => Assert.Equal("""["function","weather",["city"]]""", c.GetRawText()));
        Assert.Equal(completion, result.GetProperty("completion").GetString());
        Assert.Equal(
            (await Server.Vai.Select("e").EmbedAsync("one")).ToArray(), result.GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()));
        Assert.Equal("""[404,"model_not_found","model","NotFoundError"]""", result.GetProperty("error").GetRawText());

        // What OpenAI's own clients can ask for is known: FieldTests says what becomes of it.
        foreach ((string route, string type) in ((string, string)[])
            [("chat/completions", "chat/completions/completions.d.ts:ChatCompletionCreateParamsBase"), ("completions", "completions.d.ts:CompletionCreateParamsBase"), ("embeddings", "embeddings.d.ts:EmbeddingCreateParams")])
        {
            string[] place = type.Split(':');
            string source = await File.ReadAllTextAsync(Path.Combine(folder, "node_modules/openai/resources", place[0]));
            string body = source[source.IndexOf($"export interface {place[1]} {{", StringComparison.Ordinal)..];
            string[] fields = [.. Member().Matches(body[..body.IndexOf("\n}", StringComparison.Ordinal)]).Select(m => m.Groups[1].Value)];
            Assert.Contains("model", fields);
            Assert.Empty(fields.Except(FieldTests.KnownTo(route)));
        }
    }

    [Fact]
    public async Task Curl_gets_answers_and_streams()
    {
        string answer = await RunAsync(
            "/", "curl", "-sS", "--fail-with-body", new Uri(Server.Address, Chat).ToString(), "-H", "Content-Type: application/json",
            "-H", "Authorization: Bearer none", "-d", """{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":4}""");
        Assert.Equal("chat.completion", JsonDocument.Parse(answer).RootElement.GetProperty("object").GetString());
        string stream = await RunAsync(
            "/", "curl", "-sSN", "--fail-with-body", new Uri(Server.Address, Completions).ToString(), "-H", "Content-Type: application/json",
            "-d", """{"model":"m","prompt":"Hello","max_tokens":4,"stream":true}""");
        Assert.EndsWith("data: [DONE]\n\n", stream);
    }

    private static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {output}{await errors}");
        return output;
    }

    // A member of a type of TypeScript's.
    [GeneratedRegex("^    (\\w+)\\??: ", RegexOptions.Multiline)]
    private static partial Regex Member();
}
