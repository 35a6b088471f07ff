using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using VAI.Daemon.Api;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.Tests.Api;

/// <summary>What is somebody's is nobody else's: sessions, clients, what was saved; and paths are nobody's but the daemon's own user's.</summary>
[Collection(ApiCollection.Name)]
public sealed class OwnershipTests(ForgedModels models)
{
    [Theory]
    [InlineData("GET", "sessions/s", null)]
    [InlineData("DELETE", "sessions/s", null)]
    [InlineData("POST", "sessions/s/open", """{"model":"m"}""")]
    [InlineData("POST", "sessions/s/infer", """{"text":"x"}""")]
    [InlineData("POST", "sessions/s/infer", """{"text":"x","open":{"model":"m"}}""")]
    [InlineData("POST", "sessions/s/fork", """{"child":"c"}""")]
    [InlineData("POST", "sessions/s/commit", "")]
    [InlineData("POST", "sessions/s/rollback", "")]
    [InlineData("POST", "sessions/s/park", "")]
    [InlineData("POST", "sessions/s/rebuild", "")]
    [InlineData("POST", "sessions/s/save", "")]
    [InlineData("POST", "sessions/s/save", """{"name":"mine"}""")]
    [InlineData("DELETE", "clients/anna", null)]
    [InlineData("GET", "clients/anna", null)]
    [InlineData("POST", "sessions/other/open", """{"model":"m","client":"anna"}""")]
    public async Task A_session_of_another_is_not_there(string method, string path, string? body)
    {
        await using Rig rig = await StartAsync();
        using HttpResponseMessage lease = await rig.SendAsync("anna", "GET", "clients/anna");
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("anna", "POST", "sessions/s/open", """{"model":"m","client":"anna"}""")).StatusCode);
        using HttpResponseMessage refused = await rig.SendAsync("bert", method, path, body);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Equal(nameof(VaiError.UnknownSession), (await refused.Content.ReadAsStringAsync()) is { } text
            ? JsonSerializer.Deserialize(text, WireJson.Default.WireError)!.Code : null);
        Assert.Equal("[]", await (await rig.SendAsync("bert", "GET", "sessions")).Content.ReadAsStringAsync());

        // It is as it was, and its owner and the daemon's own user see it.
        Assert.Contains("\"s\"", await (await rig.SendAsync("anna", "GET", "sessions")).Content.ReadAsStringAsync());
        Assert.Contains("\"s\"", await (await rig.SendAsync(null, "GET", "sessions")).Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("anna", "GET", "sessions/s")).StatusCode);
        Assert.Single(rig.Host.Sessions.List());
        Assert.Equal(HttpStatusCode.NoContent, (await rig.SendAsync(null, "DELETE", "sessions/s")).StatusCode);
    }

    [Fact]
    public async Task A_fork_takes_the_place_of_nobodys_else()
    {
        await using Rig rig = await StartAsync();
        foreach ((string who, string id) in ((string, string)[])[("anna", "s"), ("bert", "b")])
            Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync(who, "POST", $"sessions/{id}/open", """{"model":"m"}""")).StatusCode);
        using HttpResponseMessage refused = await rig.SendAsync("bert", "POST", "sessions/b/fork", """{"child":"s"}""");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("anna", "GET", "sessions/s")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("bert", "POST", "sessions/b/fork", """{"child":"c"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await rig.SendAsync("anna", "GET", "sessions/c")).StatusCode);
    }

    [Fact]
    public void What_killed_engines_left_of_saves_goes_with_the_next_start()
    {
        string place = models.NewPlace();
        using (var first = new SavedSessions(place))
            first.Open();
        string owner = Directory.CreateDirectory(Path.Combine(place, "anna")).FullName;
        string left = Path.Combine(owner, $"mine.session.4242.{Guid.NewGuid():N}.tmp"), saved = Path.Combine(owner, "mine.session");
        File.WriteAllText(left, "half of one");
        File.WriteAllText(saved, "a whole one");
        using var next = new SavedSessions(place);
        next.Open();
        Assert.Equal([saved], Directory.EnumerateFiles(owner));
    }

    [Fact]
    public void What_is_on_its_way_at_one_daemon_is_left_alone_by_another()
    {
        string place = models.NewPlace(), dead = Path.Combine(place, ".passing-dead");
        using var one = new SavedSessions(place);
        string passing = one.NewPassing();
        File.WriteAllText(passing, "half of one");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(dead).FullName, "left"), "half of one");
        using (var other = new SavedSessions(place))
            other.Open();
        Assert.Equal("half of one", File.ReadAllText(passing));
        Assert.False(Directory.Exists(dead));
        one.Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(place));
    }

    [Fact]
    public async Task Saved_sessions_are_their_owners_and_replace_nothing_else()
    {
        string place = models.NewPlace();
        await using Rig rig = await StartAsync(new ApiAccess { Saved = new SavedSessions(place) });
        using HttpResponseMessage made = await rig.SendAsync(
            "anna", "POST", "sessions/s/infer", """{"text":"x","options":{"maxTokens":3},"open":{"model":"m"}}""");
        await made.Content.ReadAsStringAsync();
        string held = await LogAsync("anna", "s");
        Assert.Equal(HttpStatusCode.NoContent, (await rig.SendAsync("anna", "POST", "sessions/s/save", """{"name":"mine"}""")).StatusCode);
        Assert.Equal("{\"names\":[\"mine\"]}", await (await rig.SendAsync("anna", "GET", "saved")).Content.ReadAsStringAsync());
        Assert.Equal("{\"names\":[]}", await (await rig.SendAsync("bert", "GET", "saved")).Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("anna", "POST", "sessions/t/open", """{"model":"m","saved":"mine"}""")).StatusCode);
        Assert.Equal(held, await LogAsync("anna", "t"));
        Assert.Equal(HttpStatusCode.NotFound, (await rig.SendAsync("bert", "POST", "sessions/u/open", """{"model":"m","saved":"mine"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await rig.SendAsync("bert", "DELETE", "saved/mine")).StatusCode);

        // Replaced by the next of that name; what is no session stays.
        Assert.Equal(HttpStatusCode.NoContent, (await rig.SendAsync("anna", "POST", "sessions/s/save", """{"name":"mine"}""")).StatusCode);
        string precious = Path.Combine(place, "anna", "precious.session");
        await File.WriteAllTextAsync(precious, "all I have");
        Assert.Equal(HttpStatusCode.BadRequest, (await rig.SendAsync("anna", "POST", "sessions/s/save", """{"name":"precious"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await rig.SendAsync("anna", "DELETE", "saved/precious")).StatusCode);
        Assert.Equal("all I have", await File.ReadAllTextAsync(precious));
        Assert.Equal(HttpStatusCode.NoContent, (await rig.SendAsync("anna", "DELETE", "saved/mine")).StatusCode);

        // As bytes, there and back.
        using HttpResponseMessage bytes = await rig.SendAsync("anna", "POST", "sessions/s/save", "");
        Assert.Equal(RemoteFile.ContentType, bytes.Content.Headers.ContentType?.MediaType);
        byte[] file = await bytes.Content.ReadAsByteArrayAsync();
        Assert.Equal(HttpStatusCode.OK, (await RestoreAsync(file)).StatusCode);
        Assert.Equal(held, await LogAsync("bert", "v"));
        file[^1] ^= 1;
        Assert.Equal(HttpStatusCode.BadRequest, (await RestoreAsync(file)).StatusCode);
        Assert.Equal(["anna", "bert"], Directory.EnumerateFileSystemEntries(place).Select(Path.GetFileName).Order().SkipWhile(n => n![0] == '.'));
        Assert.Equal(["lock"], Directory.EnumerateDirectories(place, ".*").SelectMany(Directory.EnumerateFileSystemEntries).Select(Path.GetFileName));

        async Task<string> LogAsync(string who, string id)
        {
            string text = await (await rig.SendAsync(who, "GET", "sessions/" + id)).Content.ReadAsStringAsync();
            return string.Join(' ', JsonSerializer.Deserialize(text, WireJson.Default.WireSession)!.State.Log);
        }

        async Task<HttpResponseMessage> RestoreAsync(byte[] session)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "http://vai/vai/sessions/v/restore") { Content = new ByteArrayContent(session) };
            request.Headers.Add("As", "bert");
            request.Headers.Add(RemoteFile.OpenHeader, """{"model":"m"}""");
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(RemoteFile.ContentType);
            return await rig.Http.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("load")]
    [InlineData("plan")]
    public async Task Files_are_named_by_the_daemons_own_user_alone(string verb)
    {
        await using Rig rig = await StartAsync(new ApiAccess { IsConfigured = n => n == "m" });
        string there = models["tiny"], nowhere = models.NewFile("gguf");
        foreach (string file in (string[])[there, nowhere, "m"])
        {
            using HttpResponseMessage refused = await rig.SendAsync("anna", "POST", "models/" + verb, $$"""{"model":{"name":"x","file":"{{file}}"} }""");
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Contains("--models-dir", await refused.Content.ReadAsStringAsync());
        }

        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("anna", "POST", "models/" + verb, """{"name":"m"}""")).StatusCode);
        using HttpResponseMessage named = await rig.SendAsync("anna", "POST", "models/" + verb, $$"""{"name":"{{there}}"}""");
        Assert.Equal(verb == "plan" ? HttpStatusCode.Forbidden : HttpStatusCode.NotFound, named.StatusCode);
        Assert.Equal(
            HttpStatusCode.OK,
            (await rig.SendAsync(null, "POST", "models/" + verb, $$"""{"model":{"name":"x","file":"{{there}}","profile":"None"} }""")).StatusCode);
    }

    [Fact]
    public async Task One_client_has_its_share_of_sessions_and_others_theirs()
    {
        int most = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_SESSIONS"), out int n) ? n : 2_000;
        await using Rig rig = await StartAsync(table: new SessionTable(null, most, share: most / 4));
        int opened = 0, refused = 0;
        await Parallel.ForAsync(0, most, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, stop) =>
        {
            using HttpResponseMessage answer = await rig.SendAsync("anna", "POST", $"sessions/a{i}/open", """{"model":"m"}""");
            if (answer.StatusCode == HttpStatusCode.OK)
                Interlocked.Increment(ref opened);
            else if (answer.StatusCode == HttpStatusCode.TooManyRequests && (await answer.Content.ReadAsStringAsync(stop)).Contains(nameof(VaiError.Overloaded)))
                Interlocked.Increment(ref refused);
        });
        Assert.Equal((most / 4, most - (most / 4)), (opened, refused));
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("bert", "POST", "sessions/b/open", """{"model":"m"}""")).StatusCode);

        // What is closed is had again.
        string first = rig.Host.Sessions.List().First(s => s.Id[0] == 'a').Id;
        Assert.Equal(HttpStatusCode.NoContent, (await rig.SendAsync("anna", "DELETE", "sessions/" + first)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await rig.SendAsync("anna", "POST", "sessions/again/open", """{"model":"m"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await rig.SendAsync("anna", "POST", "sessions/more/open", """{"model":"m"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await rig.SendAsync("anna", "POST", "sessions/again/fork", """{"child":"f"}""")).StatusCode);
    }

    [Fact]
    public async Task A_session_without_a_lease_that_nobody_uses_is_closed()
    {
        var time = new ManualTime();
        await using Rig rig = await StartAsync(table: new SessionTable(null, 100, idle: TimeSpan.FromMinutes(30), time: time));
        using HttpResponseMessage lease = await rig.SendAsync("anna", "GET", "clients/anna");
        foreach (string open in (string[])["sessions/free/open", "sessions/used/open"])
            await rig.SendAsync("anna", "POST", open, """{"model":"m"}""");
        await rig.SendAsync("anna", "POST", "sessions/leased/open", """{"model":"m","client":"anna"}""");
        time.Advance(TimeSpan.FromMinutes(20));
        await rig.SendAsync("anna", "GET", "sessions/used");
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(["leased", "used"], rig.Host.Sessions.List().Select(s => s.Id).Order());
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(["leased"], rig.Host.Sessions.List().Select(s => s.Id));
    }

    private async Task<Rig> StartAsync(ApiAccess? access = null, SessionTable? table = null)
    {
        string socket = models.NewFile("sock");
        IVai engine = ApiHost.Engine(models, o => o.AddModel("m", models["tiny"], m => m.Profile = RomProfile.Exact));
        await engine.LoadAsync("m");
        return new Rig(await ApiHost.StartAsync(socket, engine, null, table, access), socket);
    }

    private sealed class Rig(ApiHost host, string socket) : IAsyncDisposable
    {
        public ApiHost Host => host;

        public HttpClient Http { get; } = new(new SocketsHttpHandler { ConnectCallback = (_, t) => new SocketEndpoint(socket, default).ConnectAsync(t) });

        public async Task<HttpResponseMessage> SendAsync(string? who, string method, string path, string? body = null)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "http://vai/vai/" + path);
            if (who is not null)
                request.Headers.Add("As", who);
            if (body is not null)
                request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            return await Http.SendAsync(request, path.StartsWith("clients", StringComparison.Ordinal) ? HttpCompletionOption.ResponseHeadersRead : default);
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await host.DisposeAsync();
        }
    }

    /// <summary>A clock that a test moves; its timers run on it.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private readonly List<Timer> _timers = [];
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(callback, state);
            _timers.Add(timer);
            return timer;
        }

        public void Advance(TimeSpan by)
        {
            _now += by.Ticks;
            foreach (Timer timer in _timers)
                timer.Run();
        }

        private sealed class Timer(TimerCallback callback, object? state) : ITimer
        {
            public void Run() => callback(state);

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
