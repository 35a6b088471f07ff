using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace VAI.Core.Tests.Life;

/// <summary>One engine, from its start to its end. What happens follows from the seed, when it happens from the machine.</summary>
internal sealed class EngineLife(ForgedModels models, int seed) : IDisposable
{
    private readonly Random _random = new(seed);
    private readonly ConcurrentDictionary<string, Task> _tasks = new();
    private readonly ConcurrentQueue<string> _acts = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly List<IInferenceSession> _sessions = [];
    private IVai _vai = null!;
    private IModelContext _model = null!;
    private long _ending;
    private long _steps;

    /// <summary>What was done, and on which thread of the engine's.</summary>
    public IEnumerable<string> Acts => _acts;

    /// <summary>From the first act that ends something to the end of everything.</summary>
    public TimeSpan LongestEnd { get; private set; }

    public async Task LiveAsync()
    {
        string name = $"life-{seed}";
        _vai = Vai.Create(o =>
        {
            o.RomDirectory = models.Roms;
            o.Threads = _random.Next(8) == 0 ? 2 : 1;
            o.AddModel(name, models["tiny"], m => m.MaxSessions = 1 + _random.Next(4)).AddModel("other", models["tiny-qwen3"]);
        });
        _model = _vai.Select(await _vai.LoadAsync(name));
        using MeterListener? listener = _random.Next(6) == 0 ? DisposingListener(name, 1 + _random.Next(30)) : null;
        for (int i = 0, readers = 1 + _random.Next(4); i < readers; i++)
        {
            IInferenceSession session = _model.OpenSession(new SessionOptions { BufferedUpdates = 1 + _random.Next(4) });
            _sessions.Add(session);
            var random = new Random(_random.Next());
            _tasks[$"reader {i}"] = Task.Run(() => ReadAsync(session, random));
        }

        if (_random.Next(3) == 0)
        {
            int at = _random.Next(12);
            _tasks["load"] = Task.Run(() => LoadAsync(at));
        }

        int killers = _random.Next(3);
        for (int i = 0; i < killers; i++)
        {
            var random = new Random(_random.Next());
            _tasks[$"killer {i}"] = Task.Run(async () =>
            {
                using var instant = new CancellationTokenSource(TimeSpan.FromMicroseconds(random.Next(60_000)));
                await Task.Delay(Timeout.Infinite, instant.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                await ActAsync(random, "outside");
            });
        }

        await Pending.EndsAsync(Task.WhenAll(_tasks.Values), Describe, () => Interlocked.Read(ref _steps));
        _tasks["engine"] = _random.Next(2) == 0 ? Task.Run(_vai.Dispose) : _vai.DisposeAsync().AsTask();
        Begin();
        await Pending.EndsAsync(_tasks["engine"], Describe);
        foreach (IInferenceSession session in _sessions)
            await Pending.EndsAsync(session.DisposeAsync().AsTask(), Describe);
        Assert.Throws<ObjectDisposedException>(() => _model.OpenSession());
        await Pending.ThreadsEndAsync(0);
        LongestEnd = Stopwatch.GetElapsedTime(_ending);
        _cancel.Cancel(throwOnFirstException: true);
    }

    public void Dispose() => _cancel.Dispose();

    private async Task ReadAsync(IInferenceSession session, Random random)
    {
        int[] prompt = [.. Enumerable.Range(0, 1 + random.Next(200)).Select(_ => 3 + random.Next(900))];
        int tokens = 1 + random.Next(80);
        int at = random.Next(3) == 0 ? int.MaxValue : random.Next(tokens + 2);
        bool leave = random.Next(4) == 0;
        int read = 0;
        try
        {
            // Without a context to go back to, this is the thread that wakes readers, or one of the pool.
            await foreach (InferenceUpdate update in session.InferAsync(prompt, InferenceOptions.Greedy with { MaxTokens = tokens }, _cancel.Token)
                .ConfigureAwait(false))
            {
                Interlocked.Increment(ref _steps);
                if (read++ != at)
                    continue;
                if (leave)
                    break;
                await ActAsync(random, "in the loop").ConfigureAwait(false);
            }

            if (at > read && random.Next(2) == 0)
                await ActAsync(random, "after the loop").ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            if (random.Next(4) == 0)
                await ActAsync(random, "after a failure").ConfigureAwait(false);
        }
    }

    private async Task LoadAsync(int disposeAt)
    {
        int reports = 0;
        try
        {
            await _vai.LoadAsync("other", new Progress(() =>
            {
                if (reports++ != disposeAt)
                    return;
                Begin();
                _acts.Enqueue("Dispose in a load's progress");
                _vai.Dispose();
            }), _cancel.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task ActAsync(Random random, string where)
    {
        Begin();
        if (Thread.CurrentThread.Name == "vai-readers")
            where += ", on the readers' thread";
        IInferenceSession session = _sessions[random.Next(_sessions.Count)];
        int act = random.Next(8);
        _acts.Enqueue($"{(Act)act} {where}");
        switch ((Act)act)
        {
            case Act.Cancel:
                _cancel.Cancel(throwOnFirstException: true);
                break;
            case Act.CancelSoon:
                _cancel.CancelAfter(TimeSpan.FromMilliseconds(random.Next(5)));
                break;
            case Act.CloseSession:
                await session.DisposeAsync().ConfigureAwait(false);
                break;
            case Act.CloseSessionAndBlock:
                session.DisposeAsync().AsTask().GetAwaiter().GetResult();
                break;
            case Act.Dispose:
                _vai.Dispose();
                break;
            case Act.DisposeAsync:
                await _vai.DisposeAsync().ConfigureAwait(false);
                break;
            case Act.DisposeTwiceAtOnce:
                Task other = Task.Run(_vai.Dispose);
                _vai.Dispose();
                await other.ConfigureAwait(false);
                break;
            default:
                Task begun = _vai.DisposeAsync().AsTask();
                _vai.Dispose();
                await begun.ConfigureAwait(false);
                break;
        }
    }

    private MeterListener DisposingListener(string model, int at)
    {
        int steps = 0;
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "vai.step.rows")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>((_, _, tags, _) =>
        {
            if (tags[0].Value as string != model || ++steps != at)
                return;
            Begin();
            _acts.Enqueue("Dispose on the pipeline's thread");
            _vai.Dispose();
        });
        listener.Start();
        return listener;
    }

    private void Begin() => Interlocked.CompareExchange(ref _ending, Stopwatch.GetTimestamp(), 0);

    private string Describe() =>
        $"life {seed} after {_steps} updates: {string.Join(", ", _tasks.Where(t => !t.Value.IsCompleted).Select(t => t.Key))}; done: {string.Join(", ", _acts)}";

    private enum Act
    {
        Cancel,
        CancelSoon,
        CloseSession,
        CloseSessionAndBlock,
        Dispose,
        DisposeAsync,
        DisposeTwiceAtOnce,
        DisposeBothWays,
    }

    private sealed class Progress(Action reported) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => reported();
    }
}
