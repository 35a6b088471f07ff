using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Connectors.OpenAI;

namespace VAI.Daemon.Tests.Ai.Frameworks;

/// <summary>
/// Microsoft's agent framework and Semantic Kernel over a chat client: the model calls a function, the framework runs it, its result goes back, and the
/// model's second answer comes.
/// </summary>
[Collection(AiCollection.Name)]
public abstract class FrameworkConformance(AiServer server)
{
    private const string Answer = "It rains in Paris. ☔";

    protected AiServer Server { get; } = server;

    protected abstract IChatClient Client { get; }

    /// <summary>Semantic Kernel's service, and how it names the function of a plugin: by default that over the client.</summary>
    protected virtual (IChatCompletionService Service, string Function) Completion =>
        (Client.AsBuilder().UseKernelFunctionInvocation().Build().AsChatCompletionService(), "sky_weather");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_agent_has_a_function_called_and_answers_with_its_result(bool stream)
    {
        List<string> asked = [];
        AIAgent agent = Client.AsAIAgent(
            "Be brief.", "weather-man", tools: [AIFunctionFactory.Create((string city) => Told(asked, city), "weather")]);
        AgentSession session = await agent.CreateSessionAsync();
        var options = new ChatClientAgentRunOptions(new ChatOptions { Temperature = 0, MaxOutputTokens = 200 });
        AgentResponse answer = stream
            ? await agent.RunStreamingAsync("Weather in Paris?", session, options).ToAgentResponseAsync() : await agent.RunAsync("Weather in Paris?", session, options);
        Assert.Equal(["Paris"], asked);
        Assert.EndsWith(Answer, answer.Text, StringComparison.Ordinal);
        Assert.Equal("weather", Assert.Single(answer.Messages.SelectMany(m => m.Contents).OfType<Microsoft.Extensions.AI.FunctionCallContent>()).Name);

        // What was said is the session's, calls and results included.
        AgentResponse next = await agent.RunAsync("And now?", session, options);
        Assert.Equal(Answer, next.Text);
        Assert.True(next.Usage!.InputTokenCount > 60);
    }

    [Fact]
    public async Task An_agent_answers_with_a_value()
    {
        AIAgent agent = Client.AsAIAgent();
        AgentResponse<ChatConformance.Gate> answer = await agent.RunAsync<ChatConformance.Gate>(
            "Describe a gate.", options: new ChatClientAgentRunOptions(new ChatOptions { Temperature = 0, MaxOutputTokens = 200 }));
        Assert.Equal(new ChatConformance.Gate(true, ChatConformance.Size.Middle), answer.Result);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_kernel_has_a_function_called_and_answers_with_its_result(bool stream)
    {
        (IChatCompletionService service, string function) = Completion;
        List<string> asked = [];
        var kernel = new Kernel();
        kernel.Plugins.AddFromFunctions("sky", [KernelFunctionFactory.CreateFromMethod((string city) => Told(asked, city), "weather")]);
        var history = new ChatHistory("Be brief.");
        history.AddUserMessage($"Call {function}.");
        var settings = new OpenAIPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(), Temperature = 0, MaxTokens = 200 };
        string answer = "";
        if (stream)
        {
            await foreach (StreamingChatMessageContent piece in service.GetStreamingChatMessageContentsAsync(history, settings, kernel))
                answer += piece.Content;
        }
        else
        {
            answer = (await service.GetChatMessageContentAsync(history, settings, kernel)).Content!;
        }

        Assert.Equal(["Paris"], asked);
        Assert.EndsWith(Answer, answer, StringComparison.Ordinal);
    }

    private static string Told(List<string> asked, string city)
    {
        asked.Add(city);
        return "rain";
    }
}

/// <summary>The engine in this process.</summary>
public sealed class EngineFrameworkTests(AiServer server) : FrameworkConformance(server)
{
    protected override IChatClient Client => Server.Engine.AsIChatClient("r");
}

/// <summary>A daemon.</summary>
public sealed class DaemonFrameworkTests(AiServer server) : FrameworkConformance(server)
{
    protected override IChatClient Client => Server.Remote.AsIChatClient("r");
}

/// <summary>A daemon, through OpenAI's client for .NET, and Semantic Kernel's own connector over it.</summary>
public sealed class OpenAiFrameworkTests(AiServer server) : FrameworkConformance(server)
{
    protected override IChatClient Client => Server.OpenAi.GetChatClient("r").AsIChatClient();

    protected override (IChatCompletionService Service, string Function) Completion => (new OpenAIChatCompletionService("r", Server.OpenAi), "sky-weather");
}
