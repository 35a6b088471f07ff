using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Access;
using VAI.Daemon.Hosting.Configuration;
using VAI.Daemon.OpenAi;
using VAI.Remote;

namespace VAI.Daemon.Tests.Api;

/// <summary>What one client's prompt has cost is not told to another.</summary>
[Collection(ApiCollection.Name)]
public sealed class PrefixSharingTests(ForgedModels models)
{
    private const string Prompt = "A prompt that is long enough to be kept and to be shared by those who may know of it, word by word.";

    [Theory]
    [InlineData("All", true, true)]
    [InlineData("Key", true, false)]
    [InlineData("None", false, false)]
    public async Task Cached_tokens_are_of_those_who_share(string sharing, bool own, bool others)
    {
        string engine = models.NewFile("sock");
        await using ApiHost inner = await ApiHost.StartAsync(engine, models);
        await using var remote = new RemoteVai(new SocketEndpoint(engine, TimeSpan.Zero));
        await remote.LoadAsync(new ModelOptions { Name = "m", File = models["tiny"], Profile = RomProfile.None, SramTokens = 4096 });
        await using WebApplication app = await StartAsync(remote, Enum.Parse<SharePrefixes>(sharing));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Assert.Equal(0, await CachedAsync("anna"));
        Assert.Equal(own, await CachedAsync("anna") > 0);
        Assert.Equal(others, await CachedAsync("bert") > 0);
        Assert.Equal(own, await CachedAsync("bert") > 0);
        Assert.Equal(own, await CachedAsync("anna") > 0);

        async Task<int> CachedAsync(string who)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "v1/completions")
            {
                Content = new StringContent($$"""{"model":"m","prompt":"{{Prompt}}","max_tokens":2}""", Encoding.UTF8, "application/json"),
            };
            request.Headers.Add("As", who);
            using HttpResponseMessage answer = await http.SendAsync(request);
            using var json = JsonDocument.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
            return json.RootElement.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
        }
    }

    private static async Task<WebApplication> StartAsync(IVai vai, SharePrefixes sharing)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.Use(next => context =>
        {
            string name = context.Request.Headers["As"].ToString();
            context.Features.Set(new Caller(name, name, false, false, false));
            return next(context);
        });
        app.UsePrefixSharing(sharing);
        app.UseRouting();
        app.MapOpenAi(vai, new OpenAiOptions());
        await app.StartAsync();
        return app;
    }
}
