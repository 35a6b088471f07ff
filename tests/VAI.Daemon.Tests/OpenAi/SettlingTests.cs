using System.Text.Json;
using VAI.Daemon.OpenAi;
using VAI.Daemon.OpenAi.Requests;
using VAI.Daemon.OpenAi.Responses;
using VAI.Sram;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>What is computed of a conversation after its answer is in nobody's way.</summary>
public sealed class SettlingTests(OpenAiServer server) : OpenAiTest(server)
{
    private static readonly string Long = string.Concat(Enumerable.Repeat("a module ", 20));

    [Fact]
    public async Task It_ends_where_its_model_is_to_go()
    {
        IModelContext model = Server.Vai.Select("m");
        for (int i = 0; i < 20; i++)
        {
            var settling = new Settling();
            settling.Begin(model, Request(), $"{i} {Long}", []);
            if (i % 2 == 0)
                await Task.Yield();
            await settling.StopAsync("m");
            Assert.Equal(0, model.OpenSessions);
        }
    }

    [Fact]
    public async Task Nobody_waits_for_the_history_of_another_client_or_conversation()
    {
        IModelContext model = Server.Vai.Select("m");
        var settling = new Settling();
        PrefixTag.Current = "one";
        ChatRequest request = Request();
        ChatPrompt next = await model.RenderChatAsync([.. request.Turns, new("assistant", Long), new("user", "And then?")]);
        settling.Begin(model, request, Long, []);
        await settling.WaitAsync(model, next, default);
        Assert.Equal(0, model.OpenSessions);

        settling.Begin(model, request, Long, []);
        PrefixTag.Current = "two";
        Assert.True(settling.WaitAsync(model, next, default).IsCompletedSuccessfully);
        PrefixTag.Current = null;
        await settling.StopAsync("m");

        // Where nobody may use it, it is not computed.
        settling = new Settling(shared: false);
        settling.Begin(model, request, Long, []);
        Assert.True(settling.WaitAsync(model, next, default).IsCompletedSuccessfully);
    }

    private static ChatRequest Request()
    {
        using JsonDocument document = JsonDocument.Parse($$"""{"model":"m","messages":[{"role":"user","content":"Hello"}]}""");
        return ChatRequest.Read(document.RootElement.Clone(), new IgnoredFields(strict: false), new OpenAiOptions());
    }
}
