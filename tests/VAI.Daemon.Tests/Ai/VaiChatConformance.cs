using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace VAI.Daemon.Tests.Ai;

/// <summary>What VAI's own clients promise beyond that.</summary>
public abstract class VaiChatConformance(AiServer server) : ChatConformance(server)
{
    [Fact]
    public async Task A_schema_that_cannot_be_held_is_refused_with_its_pointer()
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(() => Client("m").GetResponseAsync(Hello, new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema(
                System.Text.Json.JsonElement.Parse("""{"type":"object","properties":{"a":{"type":"array","uniqueItems":true}}}""")),
        }));
        Assert.Equal(VaiError.InvalidConstraint, error.Code);
        Assert.Contains("#/properties/a/uniqueItems", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_asks_for_nothing_is_no_reason_to_refuse()
    {
        ChatOptions options = Greedy;
        (options.Tools, options.ToolMode, options.ResponseFormat) = ([], ChatToolMode.None, ChatResponseFormat.Text);
        (options.AllowMultipleToolCalls, options.Reasoning) = (false, new ReasoningOptions());
        Assert.Equal((await Client("m").GetResponseAsync(Hello, Greedy)).Text, (await Client("m").GetResponseAsync(Hello, options)).Text);
    }

    [Fact]
    public async Task A_history_with_tools_and_thoughts_is_read_and_an_image_refused()
    {
        ChatResponse told = await Client("m").GetResponseAsync(
            [
                new(ChatRole.User, "What time is it?"),
                new(ChatRole.Assistant, [new TextReasoningContent("A clock knows."), new FunctionCallContent("1", "clock", new Dictionary<string, object?> { ["zone"] = "UTC" })]),
                new(ChatRole.Tool, [new FunctionResultContent("1", "now")]),
            ],
            Greedy);
        ChatResponse without = await Client("m").GetResponseAsync([new(ChatRole.User, "What time is it?")], Greedy);
        Assert.True(told.Usage!.InputTokenCount > without.Usage!.InputTokenCount + 10);

        // A name is the template's, which may write it.
        ChatResponse named = await Client("t").GetResponseAsync([new(ChatRole.User, "What time is it?") { AuthorName = "Marie" }], Greedy);
        Assert.NotEqual((await Client("t").GetResponseAsync([new(ChatRole.User, "What time is it?")], Greedy)).Usage!.InputTokenCount, named.Usage!.InputTokenCount);
        await RefusesAsync(() => Client("m").GetResponseAsync([new(ChatRole.User, [new DataContent(new byte[1], "image/png")])], Greedy));
        await RefusesAsync(() => Client("m").GetResponseAsync([], Greedy));
    }

    [Fact]
    public async Task What_is_null_or_cannot_be_written_is_refused_by_its_name()
    {
        await SaysAsync("message", () => Client("m").GetResponseAsync([null!], Greedy));
        await SaysAsync("content", () => Client("m").GetResponseAsync([new(ChatRole.User, [null!])], Greedy));
        await SaysAsync("role", () => Client("m").GetResponseAsync([new(default, "x")], Greedy));
        foreach (object value in new object[] { double.NaN, typeof(string), default(System.Text.Json.JsonElement) })
        {
            var call = new FunctionCallContent("1", "clock", new Dictionary<string, object?> { ["zone"] = value });
            await SaysAsync("'zone' of the call of 'clock'", () => Client("m").GetResponseAsync([new(ChatRole.User, "x"), new(ChatRole.Assistant, [call])], Greedy));
            ChatMessage result = new(ChatRole.Tool, [new FunctionResultContent("seventh", value)]);
            await SaysAsync("'seventh'", () => Client("m").GetResponseAsync([new(ChatRole.User, "x"), result], Greedy));
        }

        await SaysAsync("Text 2", () => Generator("e").GenerateAsync(["x", null!]));
        await OptionAsync("null", o => o.Tools = [null!]);
        await OptionAsync("'clock'", o => o.Tools = [AIFunctionFactory.CreateDeclaration("clock", null, default)]);
        await OptionAsync("schema", o => o.ResponseFormat = ChatResponseFormat.ForJsonSchema(default(System.Text.Json.JsonElement)));
        await OptionAsync("schema", o => o.ResponseFormat = ChatResponseFormat.ForJsonSchema(System.Text.Json.JsonElement.Parse("[]")));
        await OptionAsync("99", o => o.Reasoning = new() { Effort = (ReasoningEffort)99 });
        await OptionAsync("99", o => o.Reasoning = new() { Output = (ReasoningOutput)99 });
        await OptionAsync("whole", o => o.AdditionalProperties = new() { ["penalty_last_n"] = 1.5 });

        Task OptionAsync(string what, Action<ChatOptions> set)
        {
            ChatOptions options = Greedy;
            set(options);
            return SaysAsync(what, () => Client("m").GetResponseAsync(Hello, options));
        }

        static async Task SaysAsync(string what, Func<Task> ask) =>
            Assert.Contains(what, (await Assert.ThrowsAsync<VaiUsageException>(ask)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_embedding_generator_ignores_nothing_either()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator("e");
        Assert.Empty(await generator.GenerateAsync([]));
        EmbeddingGeneratorMetadata metadata = generator.GetRequiredService<EmbeddingGeneratorMetadata>();
        Assert.Equal(("vai", "e"), (metadata.ProviderName, metadata.DefaultModelId));
        await RefusesAsync(() => generator.GenerateAsync(["x"], new EmbeddingGenerationOptions { RawRepresentationFactory = _ => "" }));
        await RefusesAsync(() => generator.GenerateAsync(["x"], new EmbeddingGenerationOptions { AdditionalProperties = new() { ["a"] = 1 } }));
        await RefusesAsync(() => generator.GenerateAsync([string.Concat(Enumerable.Repeat("long ", 5000))]));
    }

    [Fact]
    public async Task Who_names_no_model_is_told_which_there_are()
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(
            () => Client("m").GetRequiredService<IVai>().AsIChatClient().GetResponseAsync(Hello));
        Assert.Contains("m, n, e", error.Message);
    }

    [Fact]
    public async Task A_container_has_clients_by_the_names_of_models()
    {
        IVai vai = Client("m").GetRequiredService<IVai>();
        await using ServiceProvider services = new ServiceCollection().AddSingleton(vai).AddVai().BuildServiceProvider();
        ChatResponse answer = await services.GetRequiredKeyedService<IChatClient>("n").GetResponseAsync(Hello, Greedy);
        Assert.Equal("n", answer.ModelId);
        Assert.Same(services.GetRequiredKeyedService<IChatClient>("n"), services.GetRequiredKeyedService<IChatClient>("n"));
        GeneratedEmbeddings<Embedding<float>> embeddings = await services
            .GetRequiredKeyedService<IEmbeddingGenerator<string, Embedding<float>>>("e").GenerateAsync(["one"]);
        Assert.Equal("e", embeddings[0].ModelId);
        ChatOptions options = Greedy;
        options.ModelId = "m";
        Assert.Equal("m", (await services.GetRequiredService<IChatClient>().GetResponseAsync(Hello, options)).ModelId);
        Assert.Throws<VaiUsageException>(() => services.GetRequiredKeyedService<IChatClient>(7));
    }

    protected override Task RefusesAsync(Func<Task> ask) => Assert.ThrowsAsync<VaiUsageException>(ask);
}
