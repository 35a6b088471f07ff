using System.Text.Json;
using Microsoft.Extensions.AI;

namespace VAI.Daemon.Tests.Ai;

/// <summary>
/// Every member of the options of Microsoft.Extensions.AI, by reflection: it has an effect, which is shown here, or is refused by its name. A member that a
/// later version adds fails until it is one or the other.
/// </summary>
[Collection(AiCollection.Name)]
public abstract class ChatMembers(AiServer server)
{
    private const string Hello = "Write a Verilog AND gate.";
    private const string Weather = "Weather in Paris?";

    private static readonly AIFunction Function = AIFunctionFactory.Create((string city) => "rain in " + city, "weather");

    protected AiServer Server { get; } = server;

    /// <summary>Of chat clients, and those of the options within them.</summary>
    public static TheoryData<string> OfChat { get; } = Names(typeof(ChatOptions), typeof(ReasoningOptions));

    /// <summary>Of embedding generators.</summary>
    public static TheoryData<string> OfEmbedding { get; } = Names(typeof(EmbeddingGenerationOptions));

    protected abstract IChatClient Client(string model);

    protected abstract IEmbeddingGenerator<string, Embedding<float>> Generator { get; }

    [Theory]
    [MemberData(nameof(OfChat))]
    public Task A_member_of_chat_options_is_honoured_or_refused_by_its_name(string member) => member switch
    {
        "ChatOptions.Instructions" => SameAsync(o => o.Instructions = "Be brief.", _ => { }, [new(ChatRole.System, "Be brief."), new(ChatRole.User, Hello)]),
        "ChatOptions.Temperature" => SameAsync(o => o.Temperature = 0, o => o.RawRepresentationFactory = _ => InferenceOptions.Greedy),
        "ChatOptions.MaxOutputTokens" => ShowsAsync("m", o => o.MaxOutputTokens = 5, a => Assert.Equal(5, a.Usage!.OutputTokenCount)),
        "ChatOptions.TopP" => SameAsync(o => (o.TopP, o.Temperature) = (0, 1), _ => { }),
        "ChatOptions.TopK" => SameAsync(o => (o.TopK, o.Temperature) = (1, 1), _ => { }),
        "ChatOptions.FrequencyPenalty" => DiffersAsync(o => o.FrequencyPenalty = 2, o => o.FrequencyPenalty = -2),
        "ChatOptions.PresencePenalty" => DiffersAsync(o => o.PresencePenalty = 2, o => o.PresencePenalty = -2),
        "ChatOptions.Seed" => SeedAsync(),
        "ChatOptions.Reasoning" => ShowsAsync("t", o => o.Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None }, a => Assert.Equal("No.", a.Text)),
        "ReasoningOptions.Effort" => EffortsAsync(),
        "ReasoningOptions.Output" => OutputsAsync(),
        "ChatOptions.ResponseFormat" => FormatsAsync(),
        "ChatOptions.ModelId" => ShowsAsync("m", o => o.ModelId = "n", a => Assert.Equal("n", a.ModelId)),
        "ChatOptions.StopSequences" => ShowsAsync("t", o => o.StopSequences = ["es"], a => Assert.Equal("Y", a.Text)),
        "ChatOptions.AllowMultipleToolCalls" => ParallelAsync(),
        "ChatOptions.ToolMode" => ModesAsync(),
        "ChatOptions.Tools" => ToolsAsync(),
        "ChatOptions.RawRepresentationFactory" => RawAsync(),
        "ChatOptions.AdditionalProperties" => AdditionalAsync(),
        "ChatOptions.ConversationId" => RefusedAsync(member, o => o.ConversationId = "c"),
#pragma warning disable MEAI001 // Experimental members, which must not be ignored all the same.
        "ChatOptions.AllowBackgroundResponses" => RefusedAsync(member, o => o.AllowBackgroundResponses = true),
        "ChatOptions.ContinuationToken" => RefusedAsync(member, o => o.ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 })),
#pragma warning restore MEAI001
        _ => throw new NotImplementedException($"{member} is new: honour it, or refuse it by its name, and show that here."),
    };

    [Theory]
    [MemberData(nameof(OfEmbedding))]
    public async Task A_member_of_embedding_options_is_honoured_or_refused_by_its_name(string member)
    {
        int length = (await Generator.GenerateAsync(["x"]))[0].Vector.Length;
        switch (member)
        {
            case "EmbeddingGenerationOptions.ModelId":
                Assert.Equal("e", (await Generator.GenerateAsync(["x"], new() { ModelId = "e" }))[0].ModelId);
                await RefusedAsync("nobody", new() { ModelId = "nobody" });
                break;
            case "EmbeddingGenerationOptions.Dimensions":
                Assert.Equal(length, (await Generator.GenerateAsync(["x"], new() { Dimensions = length }))[0].Vector.Length);
                await RefusedAsync("Dimensions", new() { Dimensions = length - 1 });
                break;
            case "EmbeddingGenerationOptions.AdditionalProperties":
                await RefusedAsync("task_type", new() { AdditionalProperties = new() { ["task_type"] = "query" } });
                break;
            case "EmbeddingGenerationOptions.RawRepresentationFactory":
                await RefusedAsync("RawRepresentationFactory", new() { RawRepresentationFactory = _ => "" });
                break;
            default:
                throw new NotImplementedException($"{member} is new: honour it, or refuse it by its name, and show that here.");
        }
    }

    private static TheoryData<string> Names(params Type[] types) => [.. types.SelectMany(t => t.GetProperties().Select(p => $"{t.Name}.{p.Name}"))];

    private static ChatOptions With(Action<ChatOptions> change)
    {
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 48 };
        change(options);
        return options;
    }

    private static FunctionCallContent[] Calls(ChatResponse answer) => [.. answer.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>()];

    private static string Thoughts(ChatResponse answer) => string.Concat(answer.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Select(t => t.Text));

    private async Task<string> TextAsync(Action<ChatOptions> change) => (await Client("m").GetResponseAsync(Hello, With(change))).Text;

    private async Task SameAsync(Action<ChatOptions> one, Action<ChatOptions> other, params ChatMessage[] others)
    {
        string text = await TextAsync(one);
        Assert.Equal((await Client("m").GetResponseAsync(others.Length > 0 ? others : [new(ChatRole.User, Hello)], With(other))).Text, text);
        Assert.NotEqual("", text);
    }

    private async Task DiffersAsync(Action<ChatOptions> one, Action<ChatOptions> other) => Assert.NotEqual(await TextAsync(one), await TextAsync(other));

    private async Task ShowsAsync(string model, Action<ChatOptions> change, Action<ChatResponse> shows, string says = Hello) =>
        shows(await Client(model).GetResponseAsync(says, With(change)));

    private async Task RefusedAsync(string name, Action<ChatOptions> change, VaiError code = VaiError.NotSupported)
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(() => Client("m").GetResponseAsync(Hello, With(change)));
        Assert.Equal(code, error.Code);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string name, EmbeddingGenerationOptions options)
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(() => Generator.GenerateAsync(["x"], options));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    private async Task SeedAsync()
    {
        await SameAsync(o => (o.Seed, o.Temperature) = (3, 1), o => (o.Seed, o.Temperature) = (3, 1));
        await DiffersAsync(o => (o.Seed, o.Temperature) = (3, 1), o => (o.Seed, o.Temperature) = (4, 1));
    }

    private async Task EffortsAsync()
    {
        foreach (ReasoningEffort effort in Enum.GetValues<ReasoningEffort>())
        {
            string says = effort switch
            {
                ReasoningEffort.None => "No.",
                ReasoningEffort.ExtraHigh => "Yes, xhigh.",
                _ => $"Yes, {effort.ToString().ToLowerInvariant()}.",
            };
            await ShowsAsync("t", o => o.Reasoning = new ReasoningOptions { Effort = effort }, a => Assert.Equal((says, effort == ReasoningEffort.None), (a.Text, Thoughts(a) == "")));
        }
    }

    private async Task OutputsAsync()
    {
        foreach (ReasoningOutput output in Enum.GetValues<ReasoningOutput>())
        {
            if (output == ReasoningOutput.Summary)
                await RefusedAsync("Reasoning.Output", o => o.Reasoning = new ReasoningOptions { Output = output });
            else
                await ShowsAsync("t", o => o.Reasoning = new ReasoningOptions { Output = output }, a => Assert.Equal(("Yes.", output == ReasoningOutput.None ? "" : "Hm, well."), (a.Text, Thoughts(a))));
        }
    }

    private async Task FormatsAsync()
    {
        JsonElement schema = JsonElement.Parse("""{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}""");
        await ShowsAsync("m", o => o.ResponseFormat = ChatResponseFormat.ForJsonSchema(schema), a => Assert.True(Constraint.JsonSchema(schema).Accepts(a.Text), a.Text));
        await ShowsAsync("m", o => o.ResponseFormat = ChatResponseFormat.Json, a => Assert.StartsWith("{", a.Text, StringComparison.Ordinal));
        await SameAsync(o => o.ResponseFormat = ChatResponseFormat.Text, _ => { });
    }

    private async Task ParallelAsync()
    {
        foreach (bool several in (bool[])[true, false])
        {
            await ShowsAsync(
                "r", o => (o.Tools, o.AllowMultipleToolCalls, o.MaxOutputTokens) = ([Function], several, 200), a => Assert.Equal(several ? 2 : 1, Calls(a).Length), "Twice!");
        }
    }

    private async Task ModesAsync()
    {
        AIFunction other = AIFunctionFactory.Create((bool yes) => yes, "other");
        void Mode(ChatOptions o, ChatToolMode mode) => (o.Tools, o.ToolMode, o.MaxOutputTokens) = ([Function, other], mode, 200);
        await ShowsAsync("r", o => Mode(o, ChatToolMode.Auto), a => Assert.Equal("weather", Assert.Single(Calls(a)).Name));
        await ShowsAsync("r", o => Mode(o, ChatToolMode.None), a => Assert.Empty(Calls(a)));
        await ShowsAsync("r", o => Mode(o, ChatToolMode.RequireAny), a => Assert.NotEmpty(Calls(a)), "Twice!");
        await ShowsAsync("r", o => Mode(o, ChatToolMode.RequireSpecific("other")), a => Assert.Equal("other", Assert.Single(Calls(a)).Name));
        await RefusedAsync("ToolMode", o => o.ToolMode = ChatToolMode.RequireAny);
        await RefusedAsync("nobody", o => Mode(o, ChatToolMode.RequireSpecific("nobody")), VaiError.InvalidOption);
    }

    private async Task ToolsAsync()
    {
        await ShowsAsync("r", o => (o.Tools, o.MaxOutputTokens) = ([Function], 200), a => Assert.Equal("Paris", $"{Assert.Single(Calls(a)).Arguments!["city"]}"), Weather);
        await RefusedAsync(nameof(HostedWebSearchTool), o => o.Tools = [new HostedWebSearchTool()]);

        // A schema that cannot be held is an error where the function is strict, and any object else.
        JsonElement unheld = JsonElement.Parse("""{"type":"object","properties":{"all":{"type":"array","uniqueItems":true}}}""");
        AIFunctionDeclaration loose = AIFunctionFactory.CreateDeclaration("loose", null, unheld);
        await ShowsAsync("r", o => (o.Tools, o.ToolMode, o.MaxOutputTokens) = ([loose], ChatToolMode.RequireAny, 100), a => Assert.NotNull(a));
        await RefusedAsync("uniqueItems", o => o.Tools = [new Strict(loose)], VaiError.InvalidConstraint);
    }

    private async Task RawAsync()
    {
        await SameAsync(o => (o.RawRepresentationFactory, o.Temperature) = (_ => InferenceOptions.Greedy, null), _ => { });
        await RefusedAsync("RawRepresentationFactory", o => o.RawRepresentationFactory = _ => "no options");
    }

    private async Task AdditionalAsync()
    {
        Action<ChatOptions> Set(string name, object? value) => o => o.AdditionalProperties = new() { [name] = value };
        await SameAsync(o => (o.AdditionalProperties, o.Temperature) = (new() { ["min_p"] = 1.0 }, 1), _ => { });
        await DiffersAsync(o => (o.AdditionalProperties, o.Temperature, o.Seed) = (new() { ["typical_p"] = 0.1 }, 1, 3), o => (o.Temperature, o.Seed) = (1, 3));
        await DiffersAsync(Set("repeat_penalty", 2), _ => { });
        await DiffersAsync(Set("repeat_penalty", 2), o => o.AdditionalProperties = new() { ["repeat_penalty"] = 2, ["penalty_last_n"] = 0 });
        await ShowsAsync("t", Set("reasoning_budget", 1), a => Assert.True(Thoughts(a).Length < "Hm, well.".Length));
        await ShowsAsync("t", Set("enable_thinking", false), a => Assert.Equal("No.", a.Text));
        await FastAsync();
        await RefusedAsync("'mirostat'", Set("mirostat", 2));
        await RefusedAsync("'min_p'", Set("min_p", "much"), VaiError.InvalidOption);
    }

    // The same text, of which more was written at once: in other tokens.
    private async Task FastAsync()
    {
        ChatResponse[] answers = await Task.WhenAll(((bool[])[false, true]).Select(fast => Client("m").GetResponseAsync(Hello, With(o =>
        {
            o.RawRepresentationFactory = _ => new InferenceOptions { Constraint = Constraint.Regex("(The gate is open\\. ){3}") };
            o.MaxOutputTokens = 100;
            o.AdditionalProperties = new() { ["fast_forward"] = fast };
        }))));
        Assert.Equal(answers[0].Text, answers[1].Text);
        Assert.NotEqual(answers[0].Usage!.OutputTokenCount, answers[1].Usage!.OutputTokenCount);
    }

    private sealed class Strict(AIFunctionDeclaration function) : AIFunctionDeclaration
    {
        public override string Name => function.Name;

        public override JsonElement JsonSchema => function.JsonSchema;

        public override IReadOnlyDictionary<string, object?> AdditionalProperties { get; } = new Dictionary<string, object?> { ["strict"] = true };
    }
}

/// <summary>The engine in this process.</summary>
public sealed class EngineChatMembers(AiServer server) : ChatMembers(server)
{
    protected override IEmbeddingGenerator<string, Embedding<float>> Generator => Server.Engine.AsIEmbeddingGenerator("e");

    protected override IChatClient Client(string model) => Server.Engine.AsIChatClient(model);
}

/// <summary>A daemon.</summary>
public sealed class DaemonChatMembers(AiServer server) : ChatMembers(server)
{
    protected override IEmbeddingGenerator<string, Embedding<float>> Generator => Server.Remote.AsIEmbeddingGenerator("e");

    protected override IChatClient Client(string model) => Server.Remote.AsIChatClient(model);
}
