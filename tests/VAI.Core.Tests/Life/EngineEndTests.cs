using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VAI.Native.Memory;
using VAI.Native.Rom;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Core.Tests.Life;

/// <summary>The engine's end, from wherever it may be asked for, and what comes after it.</summary>
public sealed class EngineEndTests(ForgedModels models) : EngineTest(models)
{
    public enum Moment
    {
        InTheLoop,
        AfterTheLastUpdate,
    }

    [Theory]
    [InlineData(Moment.InTheLoop)]
    [InlineData(Moment.AfterTheLastUpdate)]
    public async Task A_reader_may_dispose_its_engine_and_wait_for_it(Moment moment)
    {
        // Mostly it is the readers' thread that this runs on; it is the pool's where that is busy.
        bool seen = false;
        for (int round = 0; round < 50 && !seen; round++)
        {
            (IVai vai, IModelContext model) = await LoadOneAsync();
            await Pending.EndsAsync(Task.Run(ReadAsync), () => $"Dispose {moment} of round {round}");

            async Task ReadAsync()
            {
                IInferenceSession session = model.OpenSession();
                try
                {
                    await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(moment == Moment.InTheLoop ? 1000 : 3)).ConfigureAwait(false))
                    {
                        if (moment == Moment.InTheLoop)
                            Dispose();
                    }

                    Assert.Equal(Moment.AfterTheLastUpdate, moment);
                    Dispose();
                }
                catch (ObjectDisposedException)
                {
                    Assert.Equal(Moment.InTheLoop, moment);
                }
            }

            void Dispose()
            {
                seen |= Thread.CurrentThread.Name == "vai-readers";
                vai.Dispose();
            }
        }

        Assert.True(seen);
        await Pending.ThreadsEndAsync(0);
    }

    [Theory]
    [InlineData(RomProfile.None, LoadPhase.Checking)]
    [InlineData(RomProfile.None, LoadPhase.Weights)]
    [InlineData(RomProfile.Exact, LoadPhase.Burning)]
    [InlineData(RomProfile.None, LoadPhase.Sram)]
    public async Task A_loads_progress_may_dispose_the_engine(RomProfile profile, LoadPhase phase)
    {
        IVai vai = Vai.Create(o =>
        {
            o.Threads = 1;
            o.RomDirectory = Models.NewRomDirectory();
            o.AddModel("m", Models["tiny"], m => m.Profile = profile);
        });
        bool reported = false;
        Task<ModelHandle> load = vai.LoadAsync("m", new Synchronous(p =>
        {
            if (p.Phase != phase)
                return;
            reported = true;
            vai.Dispose();
            vai.DisposeAsync().AsTask().Wait();
        })).AsTask();
        await Pending.EndsAsync(Assert.ThrowsAsync<ObjectDisposedException>(() => load), () => $"a load disposed while it reports {phase}");
        Assert.True(reported);
        await Pending.EndsAsync(vai.DisposeAsync().AsTask(), () => "the engine's end");
        await Pending.ThreadsEndAsync(0);
    }

    [Fact]
    public async Task A_listener_on_the_pipelines_thread_may_dispose_the_engine()
    {
        IVai vai = Vai.Create(o => o.AddModel("listened", Models["tiny"]));
        IModelContext model = vai.Select(await vai.LoadAsync("listened"));
        string? thread = null;
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "vai.step.rows")
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<int>((_, _, tags, _) =>
        {
            if (tags[0].Value is not "listened")
                return;
            thread = Thread.CurrentThread.Name;
            vai.Dispose();
            vai.DisposeAsync().AsTask().Wait();
        });
        meters.Start();
        await Pending.EndsAsync(
            Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAsync(model.OpenSession().InferAsync(Prompt, Greedy(1000)))), () => "the reader");
        Assert.Equal("vai-pipeline", thread);
        await Pending.EndsAsync(vai.DisposeAsync().AsTask(), () => "the engine's end");
        await Pending.ThreadsEndAsync(0);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(201)]
    public async Task A_logger_may_dispose_the_engine(int id)
    {
        IVai? vai = null;
        bool logged = false;
        using var factory = new CallingLoggerFactory(logged_id =>
        {
            if (logged_id != id)
                return;
            logged = true;
            vai!.Dispose();
        });
        vai = Vai.Create(o => o.AddModel("m", Models["tiny"], m => m.Profile = RomProfile.None), factory);
        await Pending.EndsAsync(Task.Run(async () =>
        {
            await vai.LoadAsync("m");
            await vai.DisposeAsync();
        }), () => $"the engine's end by message {id}");
        Assert.True(logged);
        await Pending.ThreadsEndAsync(0);
    }

    [Fact]
    public async Task It_may_be_disposed_by_many_at_once()
    {
        (IVai vai, IModelContext model) = await LoadOneAsync();
        IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(Prompt, Greedy(1000)).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        Task[] ends =
        [
            Task.Run(vai.Dispose), Task.Run(vai.Dispose), Task.Run(async () => await vai.DisposeAsync()), Task.Run(async () => await session.DisposeAsync()),
            vai.DisposeAsync().AsTask(),
        ];
        await Pending.EndsAsync(Task.WhenAll(ends), () => string.Join(", ", ends.Select(e => e.Status)));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await updates.MoveNextAsync())
            {
            }
        });
        await Pending.ThreadsEndAsync(0);
    }

    [Fact]
    public async Task A_wait_for_anothers_burn_ends_with_the_engine()
    {
        string first = Models.NewRomDirectory(), second = Models.NewRomDirectory();
        await using (IVai burner = Vai.Create(o => o.RomDirectory = first))
            await burner.LoadAsync(Model());
        string id = Path.GetFileNameWithoutExtension(Directory.GetFiles(first, "*.rom").Single());
        RomStore.Open(second).Dispose();

        // A lock of an open file description excludes every other one, this process's too.
        using FileLock held = FileLock.Open(Path.Combine(second, id + RomDirectory.BurnSuffix), RomLocks.Burner)!;
        Assert.True(held.TryTake());
        IVai vai = Vai.Create(o => o.RomDirectory = second);
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<ModelHandle> load = vai.LoadAsync(Model(), new Synchronous(p =>
        {
            // The source is digested; what comes next is the wait.
            if (p is { Phase: LoadPhase.Burning, Fraction: > 0 })
                waiting.TrySetResult();
        })).AsTask();
        await waiting.Task;
        using var cancel = new CancellationTokenSource();
        Task<ModelHandle> queued = vai.LoadAsync(Model() with { Name = "cancelled" }, null, cancel.Token).AsTask();
        Task<ModelHandle> next = vai.LoadAsync(Model() with { Name = "next" }).AsTask();
        await cancel.CancelAsync();
        Assert.Equal(cancel.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queued)).CancellationToken);
        Assert.False(load.IsCompleted);
        await Pending.EndsAsync(vai.DisposeAsync().AsTask(), () => $"the engine; the load is {load.Status}");
        await Assert.ThrowsAsync<ObjectDisposedException>(() => load);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => next);
        await Pending.ThreadsEndAsync(0);

        ModelOptions Model() => new() { Name = "m", File = Models["tiny"], Profile = RomProfile.Exact };
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_token_may_be_cancelled_after_the_engines_end(bool finished)
    {
        (IVai vai, IModelContext model) = await LoadOneAsync();
        IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = finished ? 100 : 1 });
        using var cancel = new CancellationTokenSource();
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(Prompt, Greedy(finished ? 20 : 1000), cancel.Token).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        while (finished && session.TokenCount < (await model.TokenizeAsync(Prompt)).Count + 20)
            await Task.Yield();
        await vai.DisposeAsync();

        // What a timer would throw ends the process.
        cancel.Cancel(throwOnFirstException: true);
        int read = 1;
        Task rest = Task.Run(async () =>
        {
            while (await updates.MoveNextAsync())
                read++;
        });
        if (finished)
        {
            await rest;
            Assert.Equal(21, read);
        }
        else
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => rest);
        }

        await updates.DisposeAsync();
        Assert.Equal(0, model.OpenSessions);
    }

    [Fact]
    public async Task What_was_read_whole_stays_so_whenever_the_engine_goes()
    {
        for (int round = 0; round < 12; round++)
        {
            (IVai vai, IModelContext model) = await LoadOneAsync();
            IInferenceSession session = model.OpenSession();
            Task? end = null;
            int read = 0;
            await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(3)))
            {
                read++;
                if (update.Result is not null)
                    end = round % 2 == 0 ? Task.Run(vai.Dispose) : vai.DisposeAsync().AsTask();
                for (int i = 0; end is not null && i < round; i++)
                    await Task.Yield();
            }

            Assert.Equal(4, read);
            await Pending.EndsAsync(end!, () => $"the engine of round {round}");
        }
    }

    [Fact]
    public async Task After_its_end_every_call_says_so()
    {
        (IVai vai, IModelContext model) = await LoadOneAsync();
        ModelHandle handle = ((ModelContext)model).Handle;
        IInferenceSession session = model.OpenSession();
        IAsyncEnumerable<InferenceUpdate> late = session.InferAsync(Prompt, Greedy(3));
        vai.Dispose();
        Assert.Empty(vai.Models);
        foreach (Action call in (Action[])
            [
                () => vai.Select("m"), () => vai.Select("unknown"), () => vai.Select(handle), () => model.OpenSession(),
                () => session.InferAsync(Prompt), () => _ = session.Tokens,
            ])
        {
            Assert.Throws<ObjectDisposedException>(call);
        }

        foreach (Func<Task> call in (Func<Task>[])
            [
                () => vai.LoadAsync("m").AsTask(), () => vai.LoadAsync("unknown").AsTask(), () => vai.LoadAsync(new ModelOptions { Name = "m", File = "m" }).AsTask(),
                () => vai.PlanAsync("m").AsTask(), () => vai.UnloadAsync(handle).AsTask(),
                () => ((IPreparable)vai).PrepareAsync([], default).AsTask(), () => ((IPreparable)vai).LoadReadyAsync([], default).AsTask(),
                () => model.TokenizeAsync(Prompt).AsTask(), () => model.DetokenizeAsync([1]).AsTask(),
                () => model.RenderChatAsync([new ChatTurn("user", "x")]).AsTask(), () => model.RestoreSessionAsync("nowhere").AsTask(),
                () => ReadAsync(late), () => session.ForkAsync().AsTask(), () => session.CommitAsync().AsTask(), () => session.RollbackAsync().AsTask(),
                () => session.ParkAsync().AsTask(), () => session.RebuildAsync().AsTask(), () => session.SaveAsync("nowhere").AsTask(),
            ])
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(call);
        }

        await session.DisposeAsync();
        vai.Dispose();
    }

    [Fact]
    public async Task What_one_part_throws_at_its_end_keeps_no_other_from_ending()
    {
        // More sessions than files are kept for others: the end of the last ones removes theirs, which are gone.
        const int Sessions = 18;
        string stash = Models.NewRomDirectory();
        var log = new RecordingLoggerProvider();
        using var factory = new RecordingLoggerFactory(log);
        IVai vai = Vai.Create(
            o =>
            {
                o.Threads = 1;
                o.RomDirectory = Models.Roms;
                o.StashDirectory = stash;
                o.AddModel("a", Models["tiny"], m => (m.MaxSessions, m.SramTokens) = (Sessions, 8192)).AddModel("b", Models["tiny-qwen3"]);
            },
            factory);
        IModelContext first = vai.Select(await vai.LoadAsync("a")), second = vai.Select(await vai.LoadAsync("b"));
        for (int i = 0; i < Sessions; i++)
        {
            var session = (Session)first.OpenSession();

            // A step that took for ever is worth a copy.
            await ((ModelContext)first).Pipeline.InvokeAsync(() => session.Uncopied = long.MaxValue / 2);
            await ReadAsync(session.InferAsync((int[])[5 + i], Greedy(2)));
            Assert.NotNull(session.Copied);
        }

        // A file in its place: what is in the directory cannot be removed, nor the directory be made again.
        Directory.Delete(stash, recursive: true);
        await File.WriteAllTextAsync(stash, "");
        IAsyncEnumerator<InferenceUpdate> running = second.OpenSession().InferAsync(Prompt, Greedy(1000)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        await Pending.EndsAsync(vai.DisposeAsync().AsTask(), () => "the engine");
        await Pending.EndsAsync(Task.Run(vai.Dispose), () => "the engine, again");
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await running.MoveNextAsync())
            {
            }
        });
        Assert.Contains(log.Entries, e => e is { Level: LogLevel.Error, Id: 202 } && e.Text.StartsWith("a ", StringComparison.Ordinal));
        Assert.Equal(["a", "b"], log.Entries.Where(e => e.Id == 201).Select(e => e.Text[^1..]));
        await Pending.ThreadsEndAsync(0);
        File.Delete(stash);
    }

    // One compute thread: these tests are about the others, and compute next to nothing.
    private async Task<(IVai Vai, IModelContext Model)> LoadOneAsync()
    {
        IVai vai = Vai.Create(o =>
        {
            o.Threads = 1;
            o.RomDirectory = Models.Roms;
            o.AddModel("m", Models["tiny"]);
        });
        return (vai, vai.Select(await vai.LoadAsync("m")));
    }

    private sealed class Synchronous(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }

    private sealed class CallingLoggerFactory(Action<int> called) : ILoggerFactory, ILogger
    {
        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            called(eventId.Id);

        public void Dispose()
        {
        }
    }
}
