using System.Net.Sockets;
using System.Text.Json;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Daemon.Tests.Api;
using VAI.Daemon.Worker;
using VAI.Remote.Wire;
using VAI.Residency;
using Xunit.Abstractions;
using static VAI.Daemon.Tests.Api.VaiConformance;

namespace VAI.Daemon.Tests.Supervision.Link;

/// <summary>An engine at the other end of a link.</summary>
public sealed class LinkConformance(ForgedModels models) : VaiConformance(models)
{
    protected override async Task<Rig> StartAsync(Action<VaiOptions> configure)
    {
        var rig = new LinkRig();
        var options = new VaiOptions();
        configure(options);
        await rig.ServeAsync(Models.NewFile("sock"), ApiHost.Engine(Models));
        return new Rig(new Configured(new EngineVai(rig), options.Models), rig);
    }

    /// <summary>Names, as the daemon has them.</summary>
    private sealed class Configured(EngineVai vai, IReadOnlyList<ModelOptions> models) : IVai
    {
        public IReadOnlyList<IModelContext> Models => vai.Models;

        public ValueTask<ModelHandle> LoadAsync(string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
            models.FirstOrDefault(m => m.Name == name) is { } model
                ? vai.LoadAsync(model, progress, cancellationToken)
                : vai.LoadAsync(name, progress, cancellationToken);

        public ValueTask<ModelHandle> LoadAsync(
            ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
            vai.LoadAsync(model, progress, cancellationToken);

        public ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default) => vai.PlanAsync(model, cancellationToken);

        public ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default) =>
            models.FirstOrDefault(m => m.Name == model) is { } known ? vai.PlanAsync(known, cancellationToken) : vai.PlanAsync(model, cancellationToken);

        public ValueTask<IReadOnlyList<ComputeDevice>> DevicesAsync(CancellationToken cancellationToken = default) => vai.DevicesAsync(cancellationToken);

        public ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default) => vai.UnloadAsync(handle, cancellationToken);

        public IModelContext Select(ModelHandle handle) => vai.Select(handle);

        public IModelContext Select(string name) =>
            vai.Models.FirstOrDefault(m => m.Name == name) ?? (models.Any(m => m.Name == name)
                ? throw new VaiUsageException(VaiError.ModelNotLoaded, "It is not loaded.")
                : vai.Select(name));

        public void Dispose() => vai.Dispose();

        public ValueTask DisposeAsync() => vai.DisposeAsync();
    }
}

/// <summary>Links that end, and what may not come over one.</summary>
[Collection(ApiCollection.Name)]
public sealed class LinkTests(ForgedModels models, ITestOutputHelper output)
{
    private const string Prompt = "Write Verilog AND gate";

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(99)]
    public async Task A_stream_goes_on_at_another_engine(int cutAfter)
    {
        var options = new InferenceOptions { MaxTokens = 100, Temperature = 1.2f, Seed = 7 };
        await using var rig = new LinkRig();
        await rig.ServeAsync(models.NewFile("sock"), await EngineAsync());
        await using var vai = new EngineVai(rig);
        await vai.LoadAsync(Model());
        await using IInferenceSession undisturbed = vai.Select("m").OpenSession();
        Response whole = await ReadAsync(undisturbed.InferAsync(Prompt, options));

        await using IInferenceSession session = vai.Select("m").OpenSession();
        var response = new Response();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, options))
        {
            response.Text += update.Text;
            response.Result = update.Result;
            if (update.Result is not null)
                continue;
            response.Tokens.Add(update.TokenId);
            if (response.Tokens.Count != cutAfter)
                continue;
            EngineLink cut = rig.Link;
            cut.End("the test cuts it");
            await cut.Ended;
            await rig.ServeAsync(models.NewFile("sock"), await EngineAsync());
        }

        Assert.Equal(whole.Tokens, response.Tokens);
        Assert.Equal(whole.Text, response.Text);
        Assert.Equal(whole.Result!.GeneratedTokens, response.Result!.GeneratedTokens);
        Assert.Equal(undisturbed.Tokens, session.Tokens);
        Assert.Equal(
            (await ReadAsync(session.InferAsync(" and", options))).Tokens, (await ReadAsync(undisturbed.InferAsync(" and", options))).Tokens);
    }

    [Fact]
    public async Task A_reader_that_does_not_read_holds_up_nobody_else()
    {
        await using var rig = new LinkRig();
        await rig.ServeAsync(models.NewFile("sock"), await EngineAsync());
        await using var vai = new EngineVai(rig);
        await vai.LoadAsync(Model());
        IModelContext model = vai.Select("m");
        await using IInferenceSession slow = model.OpenSession(new SessionOptions { BufferedUpdates = 2 });
        await using IAsyncEnumerator<InferenceUpdate> held = slow.InferAsync(Prompt, Greedy(400)).GetAsyncEnumerator();
        Assert.True(await held.MoveNextAsync());
        await using IInferenceSession quick = model.OpenSession();
        Assert.Equal(200, (await ReadAsync(quick.InferAsync(Prompt, Greedy(200)))).Tokens.Count);
        int rest = 1;
        while (await held.MoveNextAsync())
            rest++;
        Assert.Equal(401, rest);
    }

    [Fact]
    public async Task A_reader_that_blocks_its_thread_is_left_with_it_and_the_link_reads_on()
    {
        await using var rig = new LinkRig();
        await rig.ServeAsync(models.NewFile("sock"), await EngineAsync());
        await using var vai = new EngineVai(rig);
        await vai.LoadAsync(Model());
        IModelContext model = vai.Select("m");
        using var go = new ManualResetEventSlim();
        var blocks = new TaskCompletionSource();
        Task<int> blocking = Task.Run(async () =>
        {
            await using IInferenceSession session = model.OpenSession();
            int count = 0;
            await foreach (InferenceUpdate _ in session.InferAsync(Prompt, Greedy(100)).ConfigureAwait(false))
            {
                if (++count != 3)
                    continue;
                blocks.SetResult();
                go.Wait();
            }

            return count;
        });
        await blocks.Task;
        await using IInferenceSession other = model.OpenSession();
        Task<Response> reading = ReadAsync(other.InferAsync(Prompt, Greedy(100)));
        while (!reading.IsCompleted)
        {
            rig.Link.Relieve(TimeSpan.Zero);
            await Task.WhenAny(reading, Task.Delay(1));
        }

        Assert.Equal(100, (await reading).Tokens.Count);
        go.Set();
        Assert.Equal(101, await blocking);
    }

    [Fact]
    public async Task Closed_sessions_leave_nothing_at_the_engine()
    {
        await using var rig = new LinkRig();
        IVai engine = await EngineAsync();
        await rig.ServeAsync(models.NewFile("sock"), engine);
        await using var vai = new EngineVai(rig);
        await vai.LoadAsync(Model());
        for (int i = 0; i < 4; i++)
        {
            await using IInferenceSession session = vai.Select("m").OpenSession();
            await foreach (InferenceUpdate _ in session.InferAsync(Prompt, Greedy(500)))
                break;
            await using IInferenceSession fork = await session.ForkAsync();
            await Assert.ThrowsAsync<VaiUsageException>(async () => await ReadAsync(fork.InferAsync(new int[2048], Greedy(1))));
        }

        Assert.Equal(0, engine.Select("m").OpenSessions);
        Assert.Equal(0, vai.Select("m").OpenSessions);
    }

    /// <summary>What is asked last before somebody gives up is a session that the engine may have opened all the same.</summary>
    [Fact]
    public async Task Forks_and_restored_sessions_that_are_given_up_leave_nothing_at_the_engine()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_SEED"), out int given) ? given : Environment.TickCount & 0xFFFF;
        output.WriteLine($"VAI_TEST_SEED={seed}");
        var random = new Random(seed);
        await using var rig = new LinkRig();
        IVai engine = await EngineAsync();
        await rig.ServeAsync(models.NewFile("sock"), engine);
        await using var vai = new EngineVai(rig);
        await vai.LoadAsync(Model());
        IModelContext model = vai.Select("m");
        string file = models.NewFile("session");
        int givenUp = 0;
        await using (IInferenceSession session = model.OpenSession())
        {
            await ReadAsync(session.InferAsync(Prompt, Greedy(2)));
            await session.SaveAsync(file);
            for (int i = 0; i < 200; i++)
            {
                using var cancel = new CancellationTokenSource();
                Task<IInferenceSession> opening = i % 2 == 0
                    ? session.ForkAsync(null, cancel.Token).AsTask()
                    : model.RestoreSessionAsync(file, null, cancel.Token).AsTask();
                Thread.SpinWait(random.Next(20_000));
                await cancel.CancelAsync();
                try
                {
                    await (await opening).DisposeAsync();
                }
                catch (OperationCanceledException)
                {
                    givenUp++;
                }
            }
        }

        Assert.NotEqual(0, givenUp);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (engine.Select("m").OpenSessions > 0)
            await Task.Delay(10, limit.Token);
        Assert.Equal(0, model.OpenSessions);
    }

    [Fact]
    public async Task A_fork_that_is_given_up_while_it_is_made_is_closed_by_the_engine()
    {
        await using IVai engine = await EngineAsync();
        using var calls = new LinkCalls(engine, null);
        using var cancel = new CancellationTokenSource();
        using var hold = new ManualResetEventSlim();
        await calls.OpenAsync(1, new WireOpen("m", null, null, null, null), null, default);
        Task held = ((ModelContext)engine.Select("m")).Pipeline.InvokeAsync(() => hold.Wait(TimeSpan.FromMinutes(1)));

        // It has its place in the pipeline's queue when this returns.
        Task<byte[]> forking = calls.DoAsync(
            new CallHead(LinkMethod.Fork, 0, 1), JsonSerializer.SerializeToUtf8Bytes(new WireFork("2", null, null, null), WireJson.Default.WireFork), _ => { }, cancel.Token);
        await cancel.CancelAsync();
        hold.Set();
        await held;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => forking);
        Assert.Equal(1, engine.Select("m").OpenSessions);
    }

    [Fact]
    public void Another_build_is_not_talked_to()
    {
        LinkHello mine = LinkHello.Mine;
        mine.Match(LinkHello.Read(mine.ToBytes()));
        Assert.Contains("Start the daemon anew", Assert.Throws<VaiEngineException>(() => mine.Match(mine with { Build = "0.0.1" })).Message);
        Assert.Throws<VaiEngineException>(() => mine.Match(mine with { Protocol = mine.Protocol + 1 }));
    }

    /// <summary>Whatever comes, the link ends with a word about it, or it was a frame; the next link is as good as ever.</summary>
    [Fact]
    public async Task What_is_no_frame_ends_the_link_and_nothing_else()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_SEED"), out int given) ? given : Environment.TickCount & 0xFFFF;
        output.WriteLine($"VAI_TEST_SEED={seed}");
        var random = new Random(seed);
        IVai engine = await EngineAsync();
        await using var owner = engine;
        for (int round = 0; round < 200; round++)
        {
            (Socket one, Socket other) = LinkRig.Pair(models.NewFile("sock"));
            using Socket raw = one;
            bool supervisor = random.Next(2) == 0;
            Task<Exception?> ended;
            if (supervisor)
            {
                using var greeting = new CancellationTokenSource();
                Task<EngineLink> greet = EngineLink.GreetAsync(other, null, greeting.Token);
                ended = greet.ContinueWith<Task<Exception?>>(
                    async t =>
                    {
                        if (!t.IsCompletedSuccessfully)
                            return t.Exception!.InnerException;
                        await t.Result.Ended;
                        return null;
                    },
                    TaskScheduler.Default).Unwrap();
            }
            else
            {
                var server = new LinkServer(other, new LinkCalls(engine, null));
                server.Start();
                ended = server.Ended.ContinueWith(t => (Exception?)t.Result, TaskScheduler.Default);
            }

            if (random.Next(2) == 0)
                Send(raw, LinkKind.Hello, 0, LinkHello.Mine.ToBytes());
            Send(raw, Garbage(random));
            raw.Shutdown(SocketShutdown.Send);
            Exception? said = await ended;
            Assert.True(said is null or LinkEndedException or VaiEngineException, $"Round {round} of seed {seed}: {said}");
        }

        EngineLink link = await LinkRig.ConnectAsync(models.NewFile("sock"), engine);
        await link.PingAsync();
        link.Dispose();
    }

    [Theory]
    [InlineData(13, 1)]
    [InlineData(7, 0x7FFF_FFFF)]
    [InlineData(8, 0x0800_0000)]
    [InlineData(99, 0)]
    [InlineData(0, 0)]
    public async Task A_head_that_none_may_have_is_named(ushort kind, uint length)
    {
        (Socket one, Socket other) = LinkRig.Pair(models.NewFile("sock"));
        using Socket raw = one;
        Task<EngineLink> greet = EngineLink.GreetAsync(other, null, default);
        byte[] head = new byte[LinkHeader.Bytes];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(head, length);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(4), kind);
        Send(raw, head);
        VaiEngineException said = await Assert.ThrowsAsync<VaiEngineException>(() => greet);
        Assert.Contains("frame", said.Message);
    }

    [Fact]
    public void The_layout_of_frames_is_what_it_is()
    {
        Span<byte> head = stackalloc byte[LinkHeader.Bytes];
        new LinkHeader(0x01020304, LinkKind.Call, 0x1112131415161718).Write(head);
        Assert.Equal([4, 3, 2, 1, 2, 0, 0, 0, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11], head.ToArray());
        new CallHead(LinkMethod.Save, 64, 9).Write(head);
        Assert.Equal([19, 0, 0, 0, 64, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], head.ToArray());
        var buffer = new LinkBuffer();
        UpdateFrame.Write(buffer, new InferenceUpdate("é", 258)
        {
            Kind = InferenceUpdateKind.Reasoning,
            LogProbabilities = new TokenLogProbabilities(new TokenLogProbability(258, -0.5f, new byte[] { 0xC3 }), []),
        });
        Assert.Equal([2, 1, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0xC3, 0xA9, 2, 1, 0, 0, 0, 0, 0, 0xBF, 1, 0, 0xC3], buffer.Written.ToArray());
        InferenceUpdate read = UpdateFrame.Read(buffer.Written, result: false);
        Assert.Equal(
            ("é", 258, InferenceUpdateKind.Reasoning, -0.5f), (read.Text, read.TokenId, read.Kind, read.LogProbabilities!.Token.LogProbability));
    }

    private static byte[] Garbage(Random random)
    {
        byte[] bytes = new byte[random.Next(1, 200)];
        random.NextBytes(bytes);
        if (random.Next(4) == 0)
            return bytes;

        // A frame whose head may pass, and what is in it not.
        byte[] frame = new byte[LinkHeader.Bytes + bytes.Length];
        int said = random.Next(3) switch { 0 => bytes.Length, 1 => random.Next(bytes.Length), _ => random.Next() };
        new LinkHeader(said, (LinkKind)random.Next(0, 17), (ulong)random.Next(4)).Write(frame);
        bytes.CopyTo(frame, LinkHeader.Bytes);
        if (random.Next(2) == 0)
            "{\"model\":\"m\",\"text\":\"x\"}"u8[..Math.Min(24, bytes.Length)].CopyTo(frame.AsSpan(LinkHeader.Bytes));
        return random.Next(3) == 0 ? frame[..random.Next(1, frame.Length)] : frame;
    }

    private static void Send(Socket to, LinkKind kind, ulong id, byte[] payload)
    {
        byte[] frame = new byte[LinkHeader.Bytes + payload.Length];
        new LinkHeader(payload.Length, kind, id).Write(frame);
        payload.CopyTo(frame, LinkHeader.Bytes);
        Send(to, frame);
    }

    private static void Send(Socket to, byte[] bytes)
    {
        try
        {
            to.Send(bytes);
        }
        catch (SocketException)
        {
            // The other side has had enough already.
        }
    }

    private ModelOptions Model() => new() { Name = "m", File = models["tiny"], Profile = RomProfile.Exact };

    private async Task<IVai> EngineAsync()
    {
        IVai engine = ApiHost.Engine(models);
        await engine.LoadAsync(Model());
        return engine;
    }
}
