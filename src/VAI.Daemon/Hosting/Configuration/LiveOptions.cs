using Microsoft.Extensions.Logging;
using VAI.Daemon.Supervision;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>The options as they are now: some of them change while the daemon runs, the others with its next start.</summary>
internal sealed class LiveOptions(ServeOptions options, ILogger log)
{
    private static readonly (string Key, Func<ServeOptions, object?> Value)[] Fixed =
    [
        ("socket", o => o.Socket),
        ("http", o => o.Http),
        ("apiKeyFile", o => o.ApiKeyFile),
        ("romDir", o => o.RomDirectory),
        ("vram", o => o.Vram),
        ("threads", o => o.Threads),
        ("fixedThreads", o => o.FixedThreads),
        ("share", o => o.Share),
        ("nice", o => o.Nice),
        ("batchScheduling", o => o.BatchScheduling),
        ("patience", o => o.Patience),
        ("engineFailures", o => o.EngineFailures),
        .. ServeAccess.Fixed.Select(f => (f.Key, (Func<ServeOptions, object?>)(o => f.Value(o.Access)))),
    ];

    private readonly Lock _gate = new();
    private readonly ServeOptions _start = options;
    private volatile ServeOptions _now = options;
    private Action<ConfiguredModels>? _models;

    public ServeOptions Now => _now;

    /// <summary>Who takes up other models from now on. What was read before is handed over at once.</summary>
    public void OnModels(Action<ConfiguredModels> take)
    {
        lock (_gate)
        {
            _models = take;
            if (!ReferenceEquals(_now, _start))
                take(_now.Configured());
        }
    }

    /// <summary>Reads the configuration file again. The log says what has to wait for a start.</summary>
    /// <exception cref="VaiUsageException">It is wrong; nothing is changed.</exception>
    public void Read()
    {
        if (_now.Reread is not { } reread)
            return;
        ServeOptions next = reread();
        next.Validate();
        ConfiguredModels models = next.Configured();
        string[] waits = [.. Fixed.Where(f => !Equals(f.Value(_start), f.Value(next))).Select(f => f.Key)];
        if (waits.Length > 0)
            log.NeedsStart(string.Join(", ", waits));
        lock (_gate)
        {
            _now = _start with
            {
                Strict = next.Strict,
                Drain = next.Drain,
                Sampling = next.Sampling,
                Models = next.Models,
                ModelsDirectory = next.ModelsDirectory,
                Profile = next.Profile,
                Context = next.Context,
                Sram = next.Sram,
                Sessions = next.Sessions,
                GpuLayers = next.GpuLayers,
                Devices = next.Devices,
                ChatTemplate = next.ChatTemplate,
            };
            _models?.Invoke(models);
        }
    }
}
