using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.RegularExpressions;
using VAI.Daemon.FaultTests;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Browser.Tests;

/// <summary>A real browser's pages of other origins at a real daemon that listens on loopback without keys.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class PageTests(ForgedModels models) : IClassFixture<ForgedModels>
{
    private const string Attack = """
        const sessions = D + '/vai/sessions/victim', results = {};
        results.text = await ask(D + '/vai/models/unload', blind('POST', '{"name":"a"}'));
        results.save = await ask(sessions + '/save', blind('POST', '{"name":"x"}'));
        results.chat = await ask(D + '/v1/completions', blind('POST', '{"model":"a","prompt":"x"}'));
        results.empty = await ask(sessions + '/rollback', blind('POST'));
        results.json = await ask(D + '/v1/completions', json('POST', { model: 'a', prompt: 'x' }));
        results.unload = await ask(D + '/vai/models/unload', json('POST', { name: 'a' }));
        results.remove = await ask(sessions, { method: 'DELETE' });
        results.read = await ask(D + '/v1/models');
        results.health = await ask(D + '/health');
        results.events = await events(D + '/vai/clients/page');
        results.lives = await events(D + '/health');
        results.form = await form(D + '/vai/models/unload', '{"name":"a","x":"', '"}', 'text/plain');
        results.encoded = await form(D + '/v1/completions', 'model', 'a', 'application/x-www-form-urlencoded');
        results.parts = await form(D + '/v1/completions', 'model', 'a', 'multipart/form-data');
        results.image = await image(D + '/metrics');
        return results;
        """;

    /// <summary>A foreign name; the machine's own, which is another origin by its port alone; and an address.</summary>
    [Theory]
    [InlineData("evil.example")]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    public async Task A_page_of_another_origin_is_refused_whatever_it_tries_and_nothing_changes(string name)
    {
        int port = Loopback.FreePort();
        await using DaemonProcess daemon = await ServeAsync(port);
        await using RemoteVai vai = daemon.Connect();
        await using IInferenceSession victim = vai.Select("a").OpenSession();
        await foreach (InferenceUpdate _ in victim.InferAsync("private", InferenceOptions.Greedy with { MaxTokens = 3 }))
        {
        }

        await victim.CommitAsync();
        IReadOnlyList<WireSessionInfo> before = await vai.SessionsAsync(default);
        string host = name == "127.0.0.1" ? "localhost" : "127.0.0.1";
        JsonElement told = await VisitAsync(name, Attack.Replace("D +", $"'http://{host}:{port}' +", StringComparison.Ordinal));
        Assert.All(told.EnumerateObject(), r => Assert.Contains(r.Value.GetString(), new[] { "refused", "sent" }));
        Assert.Equal(15, told.EnumerateObject().Count());

        // They came, and were refused.
        Assert.InRange(await RefusedAsync(port, 403), 15, 60);
        Assert.Equal(before.Select(s => (s.Id, s.Tokens, s.Generated)), (await vai.SessionsAsync(default)).Select(s => (s.Id, s.Tokens, s.Generated)));
        Assert.True((await vai.StatusAsync(default)).Models.Single().Loaded);
        Assert.Equal("1", Admitted().Match(await MetricsAsync(port)).Groups[1].Value);
    }

    [Fact]
    public async Task A_name_that_was_made_to_lead_here_is_refused()
    {
        int port = Loopback.FreePort();
        await using DaemonProcess daemon = await ServeAsync(port);
        foreach (string path in (string[])["/v1/models", "/vai/sessions", "/health", "/metrics"])
        {
            string page = await Browser.DumpAsync($"http://rebound.example:{port}{path}");
            Assert.Contains("not known as", page);
            Assert.Contains("--http-host", page);
        }

        Assert.InRange(await RefusedAsync(port, 403), 4, 12);

        // The same page under the daemon's own name.
        Assert.Contains("\"object\":\"list\"", await Browser.DumpAsync($"http://localhost:{port}/v1/models"));
    }

    [Fact]
    public async Task The_origin_that_was_named_is_let_in_and_no_other()
    {
        const string Use = """
            return {
              models: await ask(D + '/v1/models'),
              answer: await ask(D + '/v1/completions', json('POST', { model: 'a', prompt: 'x', max_tokens: 2 })),
              text: await ask(D + '/v1/completions', { method: 'POST', body: '{"model":"a","prompt":"x"}' }),
              wrong: await ask(D + '/v1/nothing'),
              own: await ask(D + '/vai/sessions'),
            };
            """;
        int port = Loopback.FreePort();
        string script = Use.Replace("D +", $"'http://127.0.0.1:{port}' +", StringComparison.Ordinal);
        await using Site good = await Site.StartAsync(script);
        await using Site evil = await Site.StartAsync(script);
        await using DaemonProcess daemon = await ServeAsync(port, "--cors", $"http://good.example:{good.Port}");
        JsonElement told = await VisitAsync("good.example", good);
        Assert.StartsWith("200 ", told.GetProperty("models").GetString());
        Assert.Matches("^200 cmpl-[^ ]+ .*text_completion", told.GetProperty("answer").GetString());
        Assert.StartsWith("415 ", told.GetProperty("text").GetString());
        Assert.StartsWith("404 ", told.GetProperty("wrong").GetString());
        Assert.StartsWith("403 ", told.GetProperty("own").GetString());
        told = await VisitAsync("evil.example", evil);
        Assert.All(told.EnumerateObject(), r => Assert.Equal("refused", r.Value.GetString()));
    }

    private Task<DaemonProcess> ServeAsync(int port, params string[] more) => DaemonProcess.ServeAsync(
        models.NewPlace(), ["--model", $"a={models.Model("tiny", 1)}", "--http", $"127.0.0.1:{port}", "--rom-dir", models.NewRomDirectory(), .. more]);

    private static async Task<JsonElement> VisitAsync(string name, string script)
    {
        await using Site site = await Site.StartAsync(script);
        return await VisitAsync(name, site);
    }

    private static async Task<JsonElement> VisitAsync(string name, Site site)
    {
        await using Browser browser = Browser.Open($"http://{name}:{site.Port}/");
        await Task.WhenAny(site.Told, browser.Exited);
        if (!site.Told.IsCompleted)
            Assert.Fail("The browser ended: " + await browser.SaidAsync());
        return await site.Told;
    }

    private static async Task<int> RefusedAsync(int port, int status)
    {
        Match refused = Refused().Match(await MetricsAsync(port));
        Assert.True(refused.Success && refused.Groups[1].Value == $"{status}", refused.Value);
        return int.Parse(refused.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string> MetricsAsync(int port)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync($"http://127.0.0.1:{port}/metrics");
    }

    [GeneratedRegex("""^vai_requests_refused\w*\{[^}]*status_code="(\d+)"[^}]*\} (\d+)""", RegexOptions.Multiline)]
    private static partial Regex Refused();

    [GeneratedRegex("""^vai_requests_admitted\w* (\d+)""", RegexOptions.Multiline)]
    private static partial Regex Admitted();
}
