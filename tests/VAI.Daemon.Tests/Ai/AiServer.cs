using System.ClientModel;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using OpenAI;
using VAI.Daemon.OpenAi;
using VAI.Daemon.Tests.Api;
using VAI.Daemon.Tests.OpenAi;

namespace VAI.Daemon.Tests.Ai;

/// <summary>Two models that write (m, n) and one that embeds (e): in this process, behind a daemon's socket, and behind OpenAI's API.</summary>
public sealed class AiServer : IAsyncLifetime, IDisposable
{
    private readonly ForgedModels _models = new();
    private ApiHost? _host;
    private WebApplication? _http;

    public string Socket { get; private set; } = "";

    public IVai Engine { get; private set; } = null!;

    public IVai Remote { get; private set; } = null!;

    public OpenAIClient OpenAi { get; private set; } = null!;

    public void AddModels(VaiOptions options)
    {
        options.Threads = 2;
        options.RomDirectory = _models.Roms;
        foreach ((string name, string shape) in (ReadOnlySpan<(string, string)>)[("m", "tiny-qwen2"), ("n", "tiny")])
        {
            options.AddModel(name, _models[shape], m =>
            {
                (m.ContextLength, m.SramTokens) = (512, 8 * 512);
                m.Profile = RomProfile.Exact;
            });
        }

        options.AddModel("e", _models["tiny-bert"], m => m.Profile = RomProfile.None);
    }

    public async Task InitializeAsync()
    {
        Engine = Vai.Create(AddModels);
        foreach (string name in (string[])["m", "n", "e"])
            await Engine.LoadAsync(name);
        Socket = _models.NewFile("sock");
        _host = await ApiHost.StartAsync(Socket, Engine);
        _http = await OpenAiServer.StartAsync(Engine, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0));
        Remote = Vai.Create(o => o.UseDaemon(Socket));
        OpenAi = new OpenAIClient(
            new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(new Uri(_http.Urls.First()), "v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
    }

    public async Task DisposeAsync()
    {
        await Remote.DisposeAsync();
        await _http!.DisposeAsync();
        await _host!.DisposeAsync();
    }

    public void Dispose() => _models.Dispose();
}

/// <summary>Tests that compute: one at a time.</summary>
[CollectionDefinition(Name)]
public sealed class AiCollection : ICollectionFixture<AiServer>
{
    public const string Name = "ai";
}

/// <summary>What the engine in this process answers.</summary>
public sealed class EngineChatTests(AiServer server) : VaiChatConformance(server)
{
    protected override IChatClient Client(string model) => Server.Engine.AsIChatClient(model);

    protected override IEmbeddingGenerator<string, Embedding<float>> Generator(string model) => Server.Engine.AsIEmbeddingGenerator(model);
}

/// <summary>What a daemon answers.</summary>
public sealed class DaemonChatTests(AiServer server) : VaiChatConformance(server)
{
    protected override IChatClient Client(string model) => Server.Remote.AsIChatClient(model);

    protected override IEmbeddingGenerator<string, Embedding<float>> Generator(string model) => Server.Remote.AsIEmbeddingGenerator(model);
}

/// <summary>What OpenAI's client for .NET makes of a daemon's answers.</summary>
public sealed class OpenAiChatTests(AiServer server) : ChatConformance(server)
{
    protected override IChatClient Client(string model) => Server.OpenAi.GetChatClient(model).AsIChatClient();

    protected override IEmbeddingGenerator<string, Embedding<float>> Generator(string model) =>
        Server.OpenAi.GetEmbeddingClient(model).AsIEmbeddingGenerator();

    protected override async Task RefusesAsync(Func<Task> ask)
    {
        ClientResultException error = await Assert.ThrowsAsync<ClientResultException>(ask);
        Assert.InRange(error.Status, 400, 404);
    }
}
