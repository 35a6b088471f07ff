using System.ClientModel;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using OpenAI;
using VAI.Daemon.OpenAi;
using VAI.Daemon.Tests.Api;
using VAI.Daemon.Tests.OpenAi;
using VAI.Forge;

namespace VAI.Daemon.Tests.Ai;

/// <summary>
/// Two models that write (m, n), one that embeds (e), one that thinks (t), and some that recite calls, in three syntaxes (r, q, g): in this process, behind a daemon's socket,
/// and behind OpenAI's API.
/// </summary>
public sealed class AiServer : IAsyncLifetime, IDisposable
{
    private const string Before =
        "{% if tools %}<|im_start|>system\nCall tools:\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
        + "{% for m in messages %}<|im_start|>{{ 'user' if m.role == 'tool' else m.role }}\n{% if m.role == 'tool' %}<tool_response>\n{{ m.content }}\n</tool_response>"
        + "{% else %}{{ m.content }}{% for c in m.tool_calls or [] %}";

    private const string Behind = "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    // How a template writes a call, and what the model says.
    private static readonly (string Name, string Template, string Call)[] Reciters =
    [
        ("r", "<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>",
            "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>"),
        ("q", "<tool_call>\n<function={{ c.function.name }}>\n{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}</function>\n</tool_call>",
            "<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>"),
        ("g", "<|tool_call>call:{{ c.function.name }}{{ '{' }}{% for k, v in c.function.arguments | items %}{{ k }}:{{ '<|\"|>' }}{{ v }}{{ '<|\"|>' }}{% endfor %}{{ '}' }}<tool_call|>",
            "<|tool_call>call:weather{city:<|\"|>Paris<|\"|>}<tool_call|>"),
    ];

    // Each effort, and none, is a mark of a script. The comment names the marks of thoughts.
    private const string WithThoughts =
        "{# <think></think> #}{% for e in ['low', 'medium', 'high', 'xhigh'] %}{% if e == reasoning_effort %}Effort {{ e }}.\n{% endif %}{% endfor %}"
        + "{% if enable_thinking is defined and enable_thinking is false %}No thoughts.\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
        + "{% if m.name %}{{ m.name }}: {% endif %}{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    // What a user says to have a function called by another name, as frameworks give them names of their own.
    private static readonly string[] OtherNames = ["sky-weather", "sky_weather"];

    private static readonly ReciterScript[] Others =
    [
        new(Call("weather") + "\n" + Call("weather"), "Twice"), .. OtherNames.Select(n => new ReciterScript(Call(n), $"Call {n}")),
        new("""{"inverts":true,"size":"Middle"}""", "Describe a gate"),
    ];

    private readonly ForgedModels _models = new();
    private ApiHost? _host;
    private WebApplication? _http;
    private readonly Dictionary<string, string> _files = [];

    public string Socket { get; private set; } = "";

    public IVai Engine { get; private set; } = null!;

    public IVai Remote { get; private set; } = null!;

    public OpenAIClient OpenAi { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

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

        foreach ((string name, string file) in _files)
            options.AddModel(name, file, m => (m.ContextLength, m.SramTokens, m.Profile) = (2048, 8 * 2048, RomProfile.None));
        options.AddModel("e", _models["tiny-bert"], m => m.Profile = RomProfile.None);
    }

    public async Task InitializeAsync()
    {
        foreach ((string name, string template, string call) in Reciters)
        {
            await ReciteAsync(name, new ReciterOptions
            {
                Template = Before + template + Behind,
                ControlTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", .. name == "g" ? (string[])["<|tool_call>", "<tool_call|>", "<|\"|>"] : []],
                Scripts = [new($"Let me see.\n{call}"), .. name == "r" ? Others : [], new("It rains in Paris. ☔", "<tool_response>")],
            });
        }

        await ReciteAsync("t", new ReciterOptions
        {
            Template = WithThoughts,
            Scripts =
            [
                new("<think>\nHm, well.\n</think>\n\nYes."),
                .. ((string[])["low", "medium", "high", "xhigh"]).Select(e => new ReciterScript($"<think>\nOf effort {e}.\n</think>\n\nYes, {e}.", $"Effort {e}.")),
                new("No.", "No thoughts."), new("<think>\nA tool knows.\n</think>\n\n" + Call("weather"), "Use a tool"),
            ],
        });
        Engine = Vai.Create(AddModels);
        foreach (string name in (string[])["m", "n", "e", .. _files.Keys])
            await Engine.LoadAsync(name);
        Socket = _models.NewFile("sock");
        _host = await ApiHost.StartAsync(Socket, Engine);
        _http = await OpenAiServer.StartAsync(Engine, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0));
        Remote = Vai.Create(o => o.UseDaemon(Socket));
        Http = new HttpClient { BaseAddress = new Uri(_http.Urls.First()) };
        OpenAi = new OpenAIClient(
            new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(new Uri(_http.Urls.First()), "v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await Remote.DisposeAsync();
        await _http!.DisposeAsync();
        await _host!.DisposeAsync();
    }

    public void Dispose() => _models.Dispose();

    private async Task ReciteAsync(string name, ReciterOptions options)
    {
        _files[name] = _models.NewFile($"{name}.gguf");
        await ModelForge.ForgeReciterAsync(_files[name], options);
    }

    private static string Call(string name) => $"<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {{\"city\": \"Paris\"}}}}\n</tool_call>";
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
