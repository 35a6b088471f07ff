using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VAI.Daemon.OpenAi;
using VAI.Daemon.OpenAi.Responses;
using VAI.Forge;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>An engine with a model that writes (m), one that embeds (e) and one that is not loaded (idle), and the API over it.</summary>
public sealed class OpenAiServer : IAsyncLifetime
{
    public const int ContextLength = 512;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-openai-tests-");
    private WebApplication? _app;

    public bool Ready { get; set; } = true;

    /// <summary>Whether what is not known is refused.</summary>
    public bool Strict { get; set; }

    /// <summary>What the configuration says of the models' sampling.</summary>
    public SamplingDefaults? Sampling { get; set; }

    public IVai Vai { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    internal WebApplication App => _app!;

    internal Settling Settling { get; } = new();

    public async Task InitializeAsync()
    {
        Vai = await LoadAsync(ContextLength);
        _app = await StartAsync(Vai, new OpenAiOptions { IsReady = () => Ready, Strict = () => Strict, Sampling = _ => Sampling, Settling = Settling }, k => k.Listen(IPAddress.Loopback, 0));
        Address = new Uri(_app.Urls.First());
        Http = new HttpClient { BaseAddress = Address };
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await _app!.DisposeAsync();
        await Vai.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    public string NewFile(string name) => Path.Combine(_directory.FullName, name);

    /// <summary>An engine of its own, for tests that break it.</summary>
    /// <param name="contextLength">Of the model that writes.</param>
    /// <param name="sessions">Its sessions.</param>
    /// <param name="file">Its file; null for one of its own.</param>
    public async Task<IVai> LoadAsync(int contextLength, int sessions = 8, string? file = null)
    {
        string writes = file ?? await ForgeAsync("tiny-qwen2");
        string embeds = await ForgeAsync("tiny-bert");
        IVai vai = VAI.Vai.Create(o =>
        {
            o.Threads = 2;
            o.RomDirectory = _directory.FullName + "/roms";
            o.AddModel("m", writes, m =>
            {
                (m.ContextLength, m.SramTokens, m.MaxSessions) = (contextLength, sessions * contextLength, sessions);
                m.Profile = RomProfile.Exact;
            });
            o.AddModel("e", embeds, m => m.Profile = RomProfile.None);
            o.AddModel("idle", writes);
        });
        await vai.LoadAsync("m");
        await vai.LoadAsync("e");
        return vai;
    }

    internal static async Task<WebApplication> StartAsync(
        IVai vai, OpenAiOptions options, Action<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions> listen,
        Action<ILoggingBuilder>? log = null, Action<IServiceCollection>? services = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        log?.Invoke(builder.Logging);
        services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(listen);
        WebApplication app = builder.Build();
        app.MapOpenAi(vai, options);
        await app.StartAsync();
        return app;
    }

    public async Task<string> ForgeAsync(string shape)
    {
        string file = NewFile(shape + ".gguf");
        if (!File.Exists(file))
            await ModelForge.ForgeAsync(shape, file);
        return file;
    }
}

/// <summary>Tests that compute: one at a time.</summary>
[CollectionDefinition(Name)]
public sealed class OpenAiCollection : ICollectionFixture<OpenAiServer>
{
    public const string Name = "openai";
}
