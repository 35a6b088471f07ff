using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace VAI.Daemon.Tests.Ai;

/// <summary>What chat clients and embedding generators promise, whoever answers.</summary>
[Collection(AiCollection.Name)]
public abstract class ChatConformance(AiServer server)
{
    protected const string Hello = "Write a Verilog AND gate.";

    protected AiServer Server { get; } = server;

    protected static ChatOptions Greedy => new() { Temperature = 0, MaxOutputTokens = 12 };

    protected abstract IChatClient Client(string model);

    protected abstract IEmbeddingGenerator<string, Embedding<float>> Generator(string model);

    /// <summary>The request is refused, and the message says what is not taken.</summary>
    protected abstract Task RefusesAsync(Func<Task> ask);

    [Fact]
    public async Task An_answer_says_what_it_is_and_what_it_cost()
    {
        IChatClient client = Client("m");
        ChatResponse answer = await client.GetResponseAsync(Hello, Greedy);
        Assert.NotEqual("", answer.Text);
        Assert.Equal(ChatRole.Assistant, Assert.Single(answer.Messages).Role);
        Assert.Equal("m", answer.ModelId);
        Assert.False(string.IsNullOrEmpty(answer.ResponseId));
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.NotNull(answer.CreatedAt);
        Assert.Equal(12, answer.Usage?.OutputTokenCount);
        Assert.Equal(answer.Usage!.InputTokenCount + 12, answer.Usage.TotalTokenCount);

        // What an exact model has computed is used again in pieces of 32 tokens.
        string longer = string.Concat(Enumerable.Repeat(Hello, 8));
        ChatResponse cold = await client.GetResponseAsync(longer, Greedy);
        ChatResponse again = await client.GetResponseAsync(longer, Greedy);
        Assert.Equal(cold.Text, again.Text);
        Assert.NotEqual(cold.ResponseId, again.ResponseId);
        Assert.InRange(again.Usage!.CachedInputTokenCount ?? 0, 1, again.Usage.InputTokenCount ?? 0);
    }

    [Fact]
    public async Task A_stream_has_many_updates_and_one_usage()
    {
        IChatClient client = Client("m");
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(Hello, Greedy))
            updates.Add(update);
        Assert.True(updates.Count > 1);
        UsageContent usage = Assert.Single(updates.SelectMany(u => u.Contents).OfType<UsageContent>());
        Assert.Equal(12, usage.Details.OutputTokenCount);
        Assert.Single(updates.Select(u => u.ResponseId).Distinct());
        Assert.All(updates, u => Assert.Equal("m", u.ModelId));
        Assert.Equal(ChatFinishReason.Length, Assert.Single(updates.Select(u => u.FinishReason).Where(f => f is not null).Distinct()));
        Assert.Equal((await client.GetResponseAsync(Hello, Greedy)).Text, string.Concat(updates.Select(u => u.Text)));
    }

    [Fact]
    public async Task A_request_may_name_another_model()
    {
        ChatResponse expected = await Client("n").GetResponseAsync(Hello, Greedy);
        ChatOptions options = Greedy;
        options.ModelId = "n";
        ChatResponse answer = await Client("m").GetResponseAsync(Hello, options);
        Assert.Equal("n", answer.ModelId);
        Assert.Equal(expected.Text, answer.Text);
        Assert.NotEqual(expected.Text, (await Client("m").GetResponseAsync(Hello, Greedy)).Text);
    }

    [Fact]
    public async Task A_seed_repeats_an_answer_and_without_one_it_varies()
    {
        IChatClient client = Client("m");
        string[] seeded = await AskAsync(client, 3, () => new ChatOptions { Seed = 42, Temperature = 1, MaxOutputTokens = 16 });
        Assert.Single(seeded.Distinct());
        string[] drawn = await AskAsync(client, 3, () => new ChatOptions { Temperature = 1, MaxOutputTokens = 16 });
        Assert.True(drawn.Distinct().Count() > 1);
    }

    [Fact]
    public async Task Instructions_are_a_first_system_message()
    {
        IChatClient client = Client("m");
        ChatOptions options = Greedy;
        options.Instructions = "Be brief.";
        Assert.Equal(
            (await client.GetResponseAsync([new(ChatRole.System, "Be brief."), new(ChatRole.User, Hello)], Greedy)).Text,
            (await client.GetResponseAsync(Hello, options)).Text);
        Assert.NotEqual(
            (await client.GetResponseAsync(Hello, options)).Usage!.InputTokenCount, (await client.GetResponseAsync(Hello, Greedy)).Usage!.InputTokenCount);
    }

    [Fact]
    public async Task A_stop_sequence_ends_the_answer_before_it()
    {
        IChatClient client = Client("m");
        string whole = (await client.GetResponseAsync(Hello, Greedy)).Text;
        string stop = whole.Substring(whole.Length / 2, 2);
        ChatOptions options = Greedy;
        options.StopSequences = [stop];
        ChatResponse answer = await client.GetResponseAsync(Hello, options);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], answer.Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
    }

    [Fact]
    public async Task An_answer_is_a_value_of_the_type_that_was_asked_for()
    {
        IChatClient client = Client("m");
        ChatResponse<Gate> typed = await client.GetResponseAsync<Gate>(Hello, new ChatOptions { Temperature = 1.3f, Seed = 3, MaxOutputTokens = 200 });
        Assert.True(Enum.IsDefined(typed.Result.Size));
        Assert.Equal(ChatFinishReason.Stop, typed.FinishReason);
        ChatResponse json = await client.GetResponseAsync(Hello, new ChatOptions { ResponseFormat = ChatResponseFormat.Json, Temperature = 1, Seed = 4, MaxOutputTokens = 60 });
        Assert.StartsWith("{", json.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r")]
    [InlineData("q")]
    [InlineData("g")]
    public async Task A_function_is_called_and_its_result_is_answered(string model)
    {
        string? asked = null;
        AIFunction weather = AIFunctionFactory.Create(
            (string city) =>
            {
                asked = city;
                return "rain";
            },
            "weather");
        foreach (bool stream in new[] { false, true })
        {
            asked = null;
            using IChatClient client = Client(model).AsBuilder().UseFunctionInvocation().Build();
            var options = new ChatOptions { Tools = [weather], Temperature = 0, MaxOutputTokens = 200 };
            ChatResponse answer = stream
                ? await client.GetStreamingResponseAsync("Weather in Paris?", options).ToChatResponseAsync() : await client.GetResponseAsync("Weather in Paris?", options);
            Assert.True(asked == "Paris", string.Join('|', answer.Messages.SelectMany(m => m.Contents).Select(c => c.ToString())));
            Assert.EndsWith("It rains in Paris. ☔", answer.Text, StringComparison.Ordinal);
            FunctionCallContent call = Assert.Single(answer.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());
            Assert.Equal("weather", call.Name);
            Assert.DoesNotContain("tool_call", answer.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_mode_of_tools_is_held()
    {
        IChatClient client = Client("r");
        AITool[] tools = [AIFunctionFactory.Create((int n, Size size) => n, "first"), AIFunctionFactory.Create((bool yes) => yes, "second")];
        foreach ((ChatToolMode mode, string? name) in new (ChatToolMode, string?)[] { (ChatToolMode.RequireAny, null), (ChatToolMode.RequireSpecific("second"), "second") })
        {
            ChatResponse answer = await client.GetResponseAsync("Which?", new ChatOptions { Tools = tools, ToolMode = mode, Temperature = 1.2f, Seed = 9, MaxOutputTokens = 300 });
            FunctionCallContent[] calls = [.. answer.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>()];
            Assert.NotEmpty(calls);
            Assert.All(calls, c => Assert.Null(c.Exception));
            Assert.All(calls, c => Assert.True(name is null ? tools.Any(t => t.Name == c.Name) : c.Name == name));
        }

        ChatResponse none = await client.GetResponseAsync("Which?", new ChatOptions { Tools = tools, ToolMode = ChatToolMode.None, Temperature = 0, MaxOutputTokens = 12 });
        Assert.Empty(none.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());
    }

    public enum Size
    {
        Small,
        Middle,
        Large,
    }

    public sealed record Gate(bool Inverts, Size Size);

    [Fact]
    public async Task Nucleus_and_penalties_are_honoured()
    {
        IChatClient client = Client("m");
        string greedy = (await client.GetResponseAsync(Hello, Greedy)).Text;
        Assert.Equal(greedy, (await client.GetResponseAsync(Hello, new ChatOptions { Temperature = 1, TopP = 0, MaxOutputTokens = 12 })).Text);
        string[] answers = await Task.WhenAll(new Action<ChatOptions>[]
        {
            o => o.FrequencyPenalty = -2, o => o.FrequencyPenalty = 2, o => o.PresencePenalty = -2, o => o.PresencePenalty = 2,
        }.Select(async change =>
        {
            ChatOptions options = Greedy;
            options.MaxOutputTokens = 48;
            change(options);
            return (await client.GetResponseAsync(Hello, options)).Text;
        }));
        Assert.NotEqual(answers[0], answers[1]);
        Assert.NotEqual(answers[2], answers[3]);
    }

    [Fact]
    public async Task What_is_not_supported_is_refused()
    {
        IChatClient client = Client("m");
        await RefusesAsync(() => client.GetResponseAsync(
            [new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")])], Greedy));
        await RefusesAsync(() => client.GetResponseAsync(Hello, new ChatOptions { Temperature = -1 }));
        await RefusesAsync(() => client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 0 }));
        await RefusesAsync(() => Client("nobody").GetResponseAsync(Hello, Greedy));
        await RefusesAsync(() => Client("e").GetResponseAsync(Hello, Greedy));
        Assert.NotEqual("", (await client.GetResponseAsync(Hello, Greedy)).Text);
    }

    [Fact]
    public async Task Cancelling_ends_a_stream()
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in Client("m").GetStreamingResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 400 }, stop.Token))
                await stop.CancelAsync();
        });
        Assert.NotEqual("", (await Client("m").GetResponseAsync(Hello, Greedy)).Text);
    }

    [Fact]
    public async Task It_works_under_the_usual_decorators()
    {
        string source = $"test-{Guid.NewGuid():N}";
        List<Activity> activities = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Add,
        };
        ActivitySource.AddActivityListener(listener);
        var memory = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()));
        using IChatClient client = Client("m").AsBuilder()
            .UseDistributedCache(memory).UseFunctionInvocation().UseOpenTelemetry(sourceName: source).Build();
        ChatResponse first = await client.GetResponseAsync(Hello, Greedy);
        ChatResponse second = await client.GetResponseAsync(Hello, Greedy);
        Assert.Equal(first.ResponseId, second.ResponseId);
        Assert.Equal(first.Text, second.Text);

        Activity activity = Assert.Single(activities, a => a.DisplayName == "chat m");
        Assert.Equal("m", activity.GetTagItem("gen_ai.request.model"));
        Assert.Equal("m", activity.GetTagItem("gen_ai.response.model"));
        Assert.False(string.IsNullOrEmpty((string?)activity.GetTagItem("server.address")));
        Assert.InRange((int)activity.GetTagItem("server.port")!, 1, 65_535);
        Assert.Equal(12, Convert.ToInt32(activity.GetTagItem("gen_ai.usage.output_tokens"), null));
        ChatClientMetadata metadata = client.GetRequiredService<ChatClientMetadata>();
        Assert.Equal("m", metadata.DefaultModelId);
        Assert.False(string.IsNullOrEmpty(metadata.ProviderName));
    }

    [Fact]
    public async Task Embeddings_say_their_model_and_cost()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator("e");
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["one", "two words"]);
        Assert.Equal((await Server.Engine.Select("e").EmbedAsync("two words")).ToArray(), embeddings[1].Vector.ToArray());
        Assert.All(embeddings, e => Assert.Equal("e", e.ModelId));
        Assert.True(embeddings.Usage?.InputTokenCount > 2);
        Assert.Equal(embeddings.Usage!.InputTokenCount, embeddings.Usage.TotalTokenCount);

        GeneratedEmbeddings<Embedding<float>> named = await Generator("e").GenerateAsync(["one"], new EmbeddingGenerationOptions { ModelId = "e" });
        Assert.Equal(embeddings[0].Vector.ToArray(), named[0].Vector.ToArray());
        await RefusesAsync(() => generator.GenerateAsync(["one"], new EmbeddingGenerationOptions { Dimensions = 7 }));
        await RefusesAsync(() => Generator("m").GenerateAsync(["one"]));
    }

    private static Task<string[]> AskAsync(IChatClient client, int times, Func<ChatOptions> options) =>
        Task.WhenAll(Enumerable.Range(0, times).Select(async _ => (await client.GetResponseAsync(Hello, options())).Text));
}
