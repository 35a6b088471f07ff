using Microsoft.Extensions.DependencyInjection;
using VAI.Pipeline.Steps;
using VAI.Remote;
using VAI.Remote.Wire;
using VAI.Sessions;
using static VAI.Daemon.Tests.Api.VaiConformance;

namespace VAI.Daemon.Tests.Api;

/// <summary>Connections that break, daemons that end and clients that go.</summary>
[Collection(ApiCollection.Name)]
public sealed class ResumeTests(ForgedModels models)
{
    private const string Prompt = "Write Verilog AND gate";

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(99)]
    public async Task A_stream_goes_on_with_another_daemon(int breakAfter)
    {
        var options = new InferenceOptions { MaxTokens = 100, Temperature = 1.2f, Seed = 7 };
        string socket = models.NewFile("sock");
        ApiHost host = await HostAsync(socket);
        await using IVai vai = Client(socket);
        IModelContext model = vai.Select("m");
        await using IInferenceSession undisturbed = model.OpenSession();
        Response before = await ReadAsync(undisturbed.InferAsync(Prompt, Greedy(5)));
        await undisturbed.CommitAsync();
        Response whole = await ReadAsync(undisturbed.InferAsync(" or", options));

        await using IInferenceSession session = model.OpenSession();
        Assert.Equal(before.Tokens, (await ReadAsync(session.InferAsync(Prompt, Greedy(5)))).Tokens);
        await session.CommitAsync();
        var response = new Response();
        await foreach (InferenceUpdate update in session.InferAsync(" or", options))
        {
            response.Text += update.Text;
            response.Result = update.Result;
            if (update.Result is not null)
                continue;
            response.Tokens.Add(update.TokenId);
            if (response.Tokens.Count == breakAfter)
            {
                await host.AbortAsync();
                host = await HostAsync(socket);
            }
        }

        Assert.Equal(whole.Tokens, response.Tokens);
        Assert.Equal(whole.Text, response.Text);
        Assert.Equal(whole.Result!.FinishReason, response.Result!.FinishReason);
        Assert.Equal(whole.Result.GeneratedTokens, response.Result.GeneratedTokens);
        Assert.Equal(whole.Result.PromptTokens, response.Result.PromptTokens);

        // The other session is not there any more either; nobody notices.
        Assert.Equal(undisturbed.Tokens, session.Tokens);
        Response one = await ReadAsync(session.InferAsync(" and", options));
        Response two = await ReadAsync(undisturbed.InferAsync(" and", options));
        Assert.Equal(one.Tokens, two.Tokens);
        await session.RollbackAsync();
        Assert.Equal(before.Tokens, session.Tokens.TakeLast(5));
        await host.DisposeAsync();
    }

    [Fact]
    public async Task Verbs_and_forks_survive_a_daemon()
    {
        string socket = models.NewFile("sock");
        ApiHost host = await HostAsync(socket);
        await using IVai vai = Client(socket);
        IModelContext model = vai.Select("m");
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(5)));
        IReadOnlyList<int> tokens = session.Tokens;
        await host.AbortAsync();
        host = await HostAsync(socket);
        await using IInferenceSession fork = await session.ForkAsync();
        await session.CommitAsync();
        await session.RebuildAsync();
        Assert.Equal(tokens, fork.Tokens);
        Assert.Equal(
            (await ReadAsync(session.InferAsync(" or", Greedy(5)))).Tokens, (await ReadAsync(fork.InferAsync(" or", Greedy(5)))).Tokens);
        Assert.Equal(model, vai.Select(model.Handle));
        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_model_that_the_client_loaded_is_loaded_again()
    {
        string socket = models.NewFile("sock");
        ApiHost host = await ApiHost.StartAsync(socket, models);
        await using IVai vai = Client(socket, o => o.AddModel("m", models["tiny"], m => m.Profile = RomProfile.Exact));
        IModelContext model = vai.Select(await vai.LoadAsync("m"));
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(5)));
        await host.AbortAsync();
        host = await ApiHost.StartAsync(socket, models);
        Assert.Equal(5, (await ReadAsync(session.InferAsync(" or", Greedy(5)))).Tokens.Count);
        Assert.Equal("m", Assert.Single(host.Vai.Models).Name);
        await host.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_daemon_the_error_says_so()
    {
        await using IVai vai = Client(models.NewFile("sock"));
        await FailsAsync<VaiEngineException>(VaiError.DaemonUnavailable, async () => await vai.LoadAsync("m"));
        await FailsAsync<VaiEngineException>(VaiError.DaemonUnavailable, () => Task.FromResult(vai.Models));
    }

    [Fact]
    public async Task A_daemon_that_does_not_come_back_is_an_error_and_the_session_is_as_it_was()
    {
        string socket = models.NewFile("sock");
        ApiHost host = await HostAsync(socket);
        await using IVai vai = Client(socket, o => o.DaemonReconnect = TimeSpan.Zero);
        await using IInferenceSession session = vai.Select("m").OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(5)));
        IReadOnlyList<int> tokens = session.Tokens;
        await FailsAsync<VaiEngineException>(VaiError.DaemonUnavailable, async () =>
        {
            await foreach (InferenceUpdate _ in session.InferAsync(" or", Greedy(500)))
                await host.AbortAsync();
        });
        Assert.Equal(tokens, session.Tokens);
        await using ApiHost other = await HostAsync(socket);
        Assert.Equal(5, (await ReadAsync(session.InferAsync(" or", Greedy(5)))).Tokens.Count);
    }

    [Fact]
    public async Task A_cancelled_stream_can_go_on_though_the_daemon_has_gone()
    {
        string socket = models.NewFile("sock");
        ApiHost host = await HostAsync(socket);
        await using IVai vai = Client(socket);
        await using IInferenceSession session = vai.Select("m").OpenSession();
        var seen = new List<int>();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(500)))
        {
            seen.Add(update.TokenId);
            if (seen.Count == 4)
            {
                await host.AbortAsync();
                break;
            }
        }

        host = await HostAsync(socket);
        Assert.Equal(seen, session.Tokens.TakeLast(4));
        await ReadAsync(session.InferAsync(" or", Greedy(5)));
        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_client_that_goes_without_a_word_has_its_sessions_closed()
    {
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket, TimeSpan.Zero);
        var gone = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Sessions.ClientGone = id => gone.TrySetResult(id);
        using (var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, t) => new SocketEndpoint(socket, default).ConnectAsync(t) }))
        {
            using HttpResponseMessage lease = await http.GetAsync(
                "http://vai/vai/clients/me", HttpCompletionOption.ResponseHeadersRead);
            using HttpResponseMessage open = await http.PostAsync(
                "http://vai/vai/sessions/s/open", new StringContent("""{"model":"m","client":"me"}"""));
            open.EnsureSuccessStatusCode();
            Assert.Equal("s", Assert.Single(host.Sessions.List()).Id);
        }

        Assert.Equal("me", await gone.Task);
        Assert.Empty(host.Sessions.List());
        Assert.Equal(0, host.Vai.Select("m").OpenSessions);
    }

    [Fact]
    public async Task A_client_that_is_disposed_leaves_nothing_behind()
    {
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket);
        IVai vai = Client(socket);
        IInferenceSession session = vai.Select("m").OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(1)));
        IAsyncEnumerator<InferenceUpdate> running = vai.Select("m").OpenSession().InferAsync(Prompt, Greedy(1000)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        Assert.Equal(2, host.Vai.Select("m").OpenSessions);
        await vai.DisposeAsync();
        Assert.Equal(0, host.Vai.Select("m").OpenSessions);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await running.MoveNextAsync())
            {
            }
        });
        await running.DisposeAsync();
    }

    [Fact]
    public async Task What_runs_when_a_client_is_disposed_says_so()
    {
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket);
        IVai vai = Client(socket);
        IModelContext model = vai.Select("m");
        Task tokens = model.TokenizeAsync(new string('x', 4_000_000)).AsTask();
        await vai.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => tokens);
        Assert.Empty(vai.Models);
        Assert.Throws<ObjectDisposedException>(() => vai.Select(model.Handle));
        Assert.Throws<ObjectDisposedException>(() => vai.Select("m"));
    }

    [Fact]
    public async Task A_load_ends_with_its_client()
    {
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket);
        IVai vai = Client(socket);
        var reports = new Reports(vai.Dispose);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => vai.LoadAsync(new ModelOptions { Name = "other", File = models["tiny-qwen3"] }, reports).AsTask());
        Assert.Equal(1, reports.Count);
    }

    [Fact]
    public async Task What_progress_throws_is_no_broken_connection()
    {
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket);
        await using IVai vai = Client(socket);
        var thrown = new IOException("The disk of the log is full.");
        var reports = new Reports(() => throw thrown);
        Assert.Same(thrown, await Assert.ThrowsAsync<IOException>(
            () => vai.LoadAsync(new ModelOptions { Name = "other", File = models["tiny-qwen3"] }, reports).AsTask()));
        Assert.Equal(1, reports.Count);
    }

    [Fact]
    public async Task Two_hops_are_one()
    {
        string worker = models.NewFile("sock");
        string daemon = models.NewFile("sock");
        ApiHost inner = await HostAsync(worker);
        await using ApiHost outer = await ApiHost.StartAsync(daemon, Client(worker));
        await using IVai vai = Client(daemon);
        IModelContext model = vai.Select("m");
        await using IInferenceSession undisturbed = model.OpenSession();
        Response whole = await ReadAsync(undisturbed.InferAsync(Prompt, Greedy(60)));
        await using IInferenceSession session = model.OpenSession();
        var tokens = new List<int>();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(60)))
        {
            if (update.Result is null)
                tokens.Add(update.TokenId);
            if (tokens.Count != 10 || update.Result is not null)
                continue;
            await inner.AbortAsync();
            inner = await HostAsync(worker);
        }

        Assert.Equal(whole.Tokens, tokens);
        await foreach (InferenceUpdate _ in session.InferAsync(" or", Greedy(500)))
            break;
        Assert.Equal(session.Tokens, ((IResumableSession)session).State.Log.Select(Schedule.Id));
        await ReadAsync(session.InferAsync(" or", Greedy(5)));
        await inner.DisposeAsync();
    }

    [Fact]
    public async Task After_any_cancellation_both_sides_hold_the_same()
    {
        const int Seed = 5;
        var random = new Random(Seed);
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket);
        await using IVai vai = Client(socket);
        IModelContext model = vai.Select("m");
        await using IInferenceSession session = model.OpenSession();
        for (int i = 0; i < 40; i++)
        {
            using var cancel = new CancellationTokenSource();
            int after = random.Next(4);
            IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(Prompt, Greedy(12), cancel.Token).GetAsyncEnumerator();
            bool more = true;
            for (int n = 0; n < after && more; n++)
                more = await updates.MoveNextAsync();
            if (random.Next(2) == 0)
            {
                // While the next one is on its way.
                Task<bool> next = updates.MoveNextAsync().AsTask();
                await cancel.CancelAsync();
                await next.ContinueWith(_ => { }, TaskScheduler.Default);
            }

            await updates.DisposeAsync();
            if (random.Next(4) == 0)
                await session.CommitAsync();
            else if (random.Next(3) == 0)
                await session.RollbackAsync();
            var kept = ((IResumableSession)session).State;
            await using IInferenceSession other = ((IRebuildableModel)model).OpenSession(null, kept);
            await using IInferenceSession fork = await session.ForkAsync();
            Response one = await ReadAsync(fork.InferAsync(" or", Greedy(3)));
            Response two = await ReadAsync(other.InferAsync(" or", Greedy(3)));
            Assert.True(one.Tokens.SequenceEqual(two.Tokens), $"Round {i} of seed {Seed}.");
            Assert.Equal(fork.Tokens, other.Tokens);
            if (session.TokenCount > 1500)
                await session.RollbackAsync();
        }
    }

    [Fact]
    public async Task A_container_gives_the_remote_one()
    {
        string socket = models.NewFile("sock");
        await using ApiHost host = await HostAsync(socket);
        await using ServiceProvider services = new ServiceCollection().AddVai(o => o.UseDaemon(socket)).BuildServiceProvider();
        IVai vai = services.GetRequiredService<IVai>();
        Assert.IsType<RemoteVai>(vai);
        Assert.Equal("m", Assert.Single(vai.Models).Name);
        await using IInferenceSession session = vai.Select("m").OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(3)));

        // Waits for the daemon to have let go of the session, and counted.
        await session.CommitAsync();
        WireStatus status = await ((RemoteVai)vai).StatusAsync(default);
        Assert.Equal(Environment.ProcessId, status.ProcessId);
        WireModelStatus model = Assert.Single(status.Models);
        Assert.Equal(3, model.GeneratedTokens);
        Assert.True(model.SramUsed > 0);
        WireSessionInfo info = Assert.Single(await ((RemoteVai)vai).SessionsAsync(default));
        Assert.Equal(session.TokenCount, info.Tokens);
        Assert.Equal(3, info.Generated);
        Assert.False(info.Running);
    }

    private async Task<ApiHost> HostAsync(string socket, TimeSpan? grace = null)
    {
        IVai engine = ApiHost.Engine(models, o => o.AddModel("m", models["tiny"], m => m.Profile = RomProfile.Exact));
        await engine.LoadAsync("m");
        return await ApiHost.StartAsync(socket, engine, grace);
    }

    private static IVai Client(string socket, Action<VaiOptions>? configure = null) => Vai.Create(o =>
    {
        o.UseDaemon(socket);
        configure?.Invoke(o);
    });

    private sealed class Reports(Action act) : IProgress<LoadProgress>
    {
        public int Count { get; private set; }

        public void Report(LoadProgress value)
        {
            Count++;
            act();
        }
    }
}
