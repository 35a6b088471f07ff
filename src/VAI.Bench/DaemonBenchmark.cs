using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using VAI.Bench.Parts;
using VAI.Diagnostics;
using VAI.OptionRules;

namespace VAI.Bench;

/// <summary>What <see cref="DaemonBenchmark"/> measures, and how long.</summary>
public sealed record DaemonBenchmarkOptions
{
    /// <summary>The model; the daemon and this process load it from the same ROM.</summary>
    public required BenchModel Model { get; init; }

    /// <summary>The daemon's Unix socket.</summary>
    public required string Socket { get; init; }

    /// <summary>The process that answers there, whose memory is looked at; null to leave the connections out.</summary>
    public int? ProcessId { get; init; }

    /// <summary>Pairs of first tokens, 1 to 100,000.</summary>
    public int Rounds { get; init; } = 30;

    /// <summary>Tokens of a prompt, 1 to 100,000.</summary>
    public int PromptTokens { get; init; } = 16;

    /// <summary>Streams that are begun at once, 1 to 1,000; of several their mean counts.</summary>
    public int Streams { get; init; } = 1;

    /// <summary>Idle connections to hold, 1 to 10,000.</summary>
    public int Connections { get; init; } = 1000;

    internal void Check()
    {
        OptionCheck.Range(Rounds, 1, 100_000, nameof(Rounds));
        OptionCheck.Range(PromptTokens, 1, 100_000, nameof(PromptTokens));
        OptionCheck.Range(Streams, 1, 1000, nameof(Streams));
        OptionCheck.Range(Connections, 1, 10_000, nameof(Connections));
    }
}

/// <summary>What was measured.</summary>
/// <param name="LocalFirst">First token of the engine in this process, median.</param>
/// <param name="RemoteFirst">First token over the socket, median.</param>
/// <param name="Overhead">The median of the differences within a pair.</param>
/// <param name="OverheadSpread">Their interquartile range.</param>
/// <param name="ConnectionBytes">What an idle connection takes of the daemon's memory, in bytes; null if it was left out.</param>
public sealed record DaemonBenchmarkResult(
    TimeSpan LocalFirst, TimeSpan RemoteFirst, TimeSpan Overhead, TimeSpan OverheadSpread, long? ConnectionBytes);

/// <summary>Measures what a daemon costs against the engine in one's own process.</summary>
public static class DaemonBenchmark
{
    // An engine's threads spin for about 100 ms after a step, and would take the other's cores.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs it.</summary>
    /// <param name="local">An engine in this process.</param>
    /// <param name="remote">The daemon. Nothing else should use it meanwhile.</param>
    /// <param name="options">What to measure.</param>
    /// <param name="progress">Told of each step; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the benchmark at the next token.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="VaiException">An option is out of range, the model cannot be loaded, or no daemon answers.</exception>
    public static async Task<DaemonBenchmarkResult> RunAsync(
        IVai local,
        IVai remote,
        DaemonBenchmarkOptions options,
        IProgress<BenchProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(remote);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        var model = new ModelOptions { Name = options.Model.Name, File = options.Model.File };
        IModelContext here = local.Select(await local.LoadAsync(model, null, cancellationToken).ConfigureAwait(false));
        IModelContext there = remote.Select(await remote.LoadAsync(model, null, cancellationToken).ConfigureAwait(false));
        var inside = new List<TimeSpan>();
        var over = new List<TimeSpan>();
        int asked = 0;
        await Rounds.RunAsync(
            options.Rounds,
            (i, rounds) => progress?.Report(new BenchProgress("first tokens", (double)i / rounds)),
            async i =>
            {
                TimeSpan first = await FirstAsync(i % 2 == 0 ? here : there).ConfigureAwait(false);
                TimeSpan second = await FirstAsync(i % 2 == 0 ? there : here).ConfigureAwait(false);
                asked++;
                inside.Add(i % 2 == 0 ? first : second);
                over.Add(i % 2 == 0 ? second : first);
                return over[^1].TotalMilliseconds;
            },
            inside, over).ConfigureAwait(false);

        TimeSpan[] difference = [.. over.Zip(inside, (o, l) => o - l)];
        progress?.Report(new BenchProgress("connections", 0));
        long? bytes = options.ProcessId is { } process
            ? await ConnectionsAsync(options, process, cancellationToken).ConfigureAwait(false)
            : null;
        return new DaemonBenchmarkResult(
            Statistics.Median(inside), Statistics.Median(over), Statistics.Median(difference), Statistics.Spread(difference), bytes);

        async Task<TimeSpan> FirstAsync(IModelContext on)
        {
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            TimeSpan[] taken = await Task.WhenAll(Enumerable.Range(0, options.Streams).Select(
                i => FirstOfAsync(on, (asked * options.Streams) + i, cancellationToken))).ConfigureAwait(false);
            return TimeSpan.FromTicks((long)taken.Average(t => t.Ticks));
        }

        async Task<TimeSpan> FirstOfAsync(IModelContext on, int number, CancellationToken cancellation)
        {
            // Of the same tokens on both sides, and begun by one that no earlier prompt had.
            var random = new Random(number);
            int[] prompt = [.. Enumerable.Range(0, options.PromptTokens).Select(_ => random.Next(on.Info.VocabularySize))];
            prompt[0] = number % on.Info.VocabularySize;
            await using IInferenceSession session = on.OpenSession();
            long start = Stopwatch.GetTimestamp();
            TimeSpan? taken = null;
            await foreach (InferenceUpdate _ in session.InferAsync(
                prompt, InferenceOptions.Greedy with { MaxTokens = 2 }, cancellation).ConfigureAwait(false))
            {
                taken ??= Stopwatch.GetElapsedTime(start);
            }

            return taken!.Value;
        }
    }

    private static async Task<long> ConnectionsAsync(DaemonBenchmarkOptions options, int process, CancellationToken cancellation)
    {
        // The first ones are paid for once: buffers of the pools, code that is compiled.
        await HoldAsync(options.Connections / 10).ConfigureAwait(false);
        long before = Memory.ResidentBytes(process);
        return (await HoldAsync(options.Connections).ConfigureAwait(false) - before) / options.Connections;

        async Task<long> HoldAsync(int count)
        {
            var sockets = new List<Socket>();
            try
            {
                byte[] buffer = new byte[4096];
                for (int i = 0; i < count; i++)
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    sockets.Add(socket);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(options.Socket), cancellation).ConfigureAwait(false);
                    await socket.SendAsync(
                        Encoding.ASCII.GetBytes("GET /health HTTP/1.1\r\nHost: vai\r\n\r\n"), cancellation).ConfigureAwait(false);
                    if (await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false) == 0)
                        throw new VaiEngineException(VaiError.DaemonUnavailable, $"The daemon closed connection {i + 1} of {count}. Allow it more.");
                }

                return Memory.ResidentBytes(process);
            }
            finally
            {
                sockets.ForEach(s => s.Dispose());
            }
        }
    }
}
