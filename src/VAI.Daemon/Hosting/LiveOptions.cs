using Microsoft.Extensions.Logging;

namespace VAI.Daemon.Hosting;

/// <summary>The options as they are now: some of them change while the daemon runs, the others with its next start.</summary>
internal sealed class LiveOptions(ServeOptions options, ILogger log)
{
    private static readonly (string Key, Func<ServeOptions, object?> Value)[] Fixed =
    [
        ("model", o => string.Join('\n', o.Models.Select(m => m with { Sampling = null }))),
        ("modelsDir", o => o.ModelsDirectory),
        ("socket", o => o.Socket),
        ("http", o => o.Http),
        ("apiKeyFile", o => o.ApiKeyFile),
        ("profile", o => o.Profile),
        ("romDir", o => o.RomDirectory),
        ("ctx", o => o.Context),
        ("sram", o => o.Sram),
        ("sessions", o => o.Sessions),
        ("gpuLayers", o => o.GpuLayers),
        ("threads", o => o.Threads),
        ("fixedThreads", o => o.FixedThreads),
        ("share", o => o.Share),
        ("nice", o => o.Nice),
        ("batchScheduling", o => o.BatchScheduling),
    ];

    private readonly ServeOptions _start = options;
    private volatile ServeOptions _now = options;

    public ServeOptions Now => _now;

    /// <summary>Reads the configuration file again. The log says what has to wait for a start.</summary>
    /// <exception cref="VaiUsageException">It is wrong; nothing is changed.</exception>
    public void Read()
    {
        if (_now.Reread is not { } reread)
            return;
        ServeOptions next = reread();
        next.Validate();
        string[] waits = [.. Fixed.Where(f => !Equals(f.Value(_start), f.Value(next))).Select(f => f.Key)];
        if (waits.Length > 0)
            log.NeedsStart(string.Join(", ", waits));
        _now = _start with
        {
            Strict = next.Strict,
            Drain = next.Drain,
            Sampling = next.Sampling,
            Models = [.. _start.Models.Select(m => m with { Sampling = next.Models.FirstOrDefault(n => n.Name == m.Name)?.Sampling })],
        };
    }
}
