using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VAI.Diagnostics;

namespace VAI.Core.Tests.Life;

/// <summary>Foreign code that throws where VAI calls it: listeners of meters and activities, and loggers.</summary>
public sealed class ListenerTests(ForgedModels models) : EngineTest(models)
{
    private static readonly string[] Instruments =
    [
        "gen_ai.client.token.usage", "gen_ai.server.request.duration", "gen_ai.server.time_per_output_token", "gen_ai.server.time_to_first_token",
        "vai.kv.reused.tokens", "vai.model.switch.duration", "vai.queue.duration", "vai.step.duration", "vai.step.rows", "vai.token.interval",
    ];

    [Fact]
    public async Task A_listener_that_throws_at_every_instrument_fails_nothing()
    {
        var thrown = new ConcurrentDictionary<string, bool>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "VAI" && !instrument.IsObservable)
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<double>((instrument, _, _, _) => Throw(instrument));
        meters.SetMeasurementEventCallback<long>((instrument, _, _, _) => Throw(instrument));
        meters.SetMeasurementEventCallback<int>((instrument, _, _, _) => Throw(instrument));
        meters.Start();
        await UseAsync(Create());
        Assert.Equal(Instruments, thrown.Keys.Order(StringComparer.Ordinal));
        await Pending.ThreadsEndAsync(0);

        void Throw(Instrument instrument)
        {
            thrown[instrument.Name] = true;
            throw new InvalidOperationException(instrument.Name);
        }
    }

    [Theory]
    [InlineData("sample")]
    [InlineData("start")]
    [InlineData("stop")]
    public async Task A_listener_that_throws_at_activities_fails_nothing(string at)
    {
        int thrown = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "VAI",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => at == "sample" ? throw Thrown() : ActivitySamplingResult.AllData,
            ActivityStarted = _ => ThrowAt("start"),
            ActivityStopped = _ => ThrowAt("stop"),
        };
        ActivitySource.AddActivityListener(listener);
        await UseAsync(Create());
        Assert.True(thrown >= 4);
        Assert.Null(Activity.Current);

        void ThrowAt(string moment)
        {
            if (at == moment)
                throw Thrown();
        }

        Exception Thrown()
        {
            Interlocked.Increment(ref thrown);
            return new InvalidOperationException(at);
        }
    }

    [Fact]
    public async Task A_logger_that_throws_fails_nothing()
    {
        using var factory = new ThrowingLoggerFactory();
        await UseAsync(Vai.Create(
            o =>
            {
                o.Threads = 1;
                o.RomDirectory = Models.NewRomDirectory();
                o.AddModel("a", Models["tiny"]).AddModel("b", Models["tiny-qwen3"], m => m.Profile = RomProfile.None);
            },
            factory));
        Assert.True(factory.Thrown > 3);
    }

    [Fact]
    public void An_instrument_is_there_though_who_is_told_of_it_throws()
    {
        using var meter = new Meter("publishing");
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter == meter)
                throw new InvalidOperationException("published");
        };
        listener.Start();
        Histogram<double>? histogram = Listeners.Made(meter, static m => m.CreateHistogram<double>("first"));
        Counter<long>? counter = Listeners.Made(meter, static m => m.CreateCounter<long>("second"));
        Assert.Equal(("first", "second"), (histogram?.Name, counter?.Name));
    }

    [Fact]
    public void A_fault_is_logged_once()
    {
        var log = new RecordingLoggerProvider();
        using var factory = new RecordingLoggerFactory(log);
        ILogger logger = factory.CreateLogger("VAI.Engine");
        string origin = $"A test's listener {Guid.NewGuid()}";
        Faults.LogTo(logger);
        Faults.Report(origin, new InvalidOperationException());
        Faults.Report(origin, new InvalidOperationException());
        Faults.Forget(logger);
        (string _, LogLevel level, int id, string text) = Assert.Single(log.Entries);
        Assert.Equal((LogLevel.Warning, 102), (level, id));
        Assert.StartsWith(origin, text, StringComparison.Ordinal);
    }

    private IVai Create() => Vai.Create(o =>
    {
        o.Threads = 1;
        o.RomDirectory = Models.Roms;
        o.AddModel("a", Models["tiny"]).AddModel("b", Models["tiny-qwen3"]);
    });

    // Two models, so that there is a switch; one that succeeds, one whose reader leaves.
    private static async Task UseAsync(IVai engine)
    {
        await using IVai vai = engine;
        foreach (string name in (string[])["a", "b"])
        {
            IModelContext model = vai.Select(await vai.LoadAsync(name));
            await using IInferenceSession session = model.OpenSession();
            Response response = await ReadAsync(session.InferAsync(Prompt, Greedy(5)));
            Assert.Equal(5, response.Tokens.Count);
            await foreach (InferenceUpdate _ in session.InferAsync((int[])[4], Greedy(5)))
                break;
        }
    }

    private sealed class ThrowingLoggerFactory : ILoggerFactory, ILogger
    {
        private int _thrown;

        public int Thrown => _thrown;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _thrown);
            throw new InvalidOperationException("logging");
        }

        public void Dispose()
        {
        }
    }
}
