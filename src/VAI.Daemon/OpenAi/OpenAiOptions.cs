using VAI.Daemon.OpenAi.Requests;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.OpenAi;

/// <summary>What the OpenAI-compatible API is mapped with.</summary>
internal sealed class OpenAiOptions
{
    /// <summary>Whether new requests are welcome: <c>GET /health</c> answers 200, else 503. False while draining.</summary>
    public Func<bool> IsReady { get; init; } = static () => true;

    /// <summary>Whether fields that are not known are refused, instead of ignored and named. Asked for each request.</summary>
    public Func<bool> Strict { get; init; } = static () => false;

    /// <summary>What the daemon's configuration says of a model's sampling; null for nothing. Asked for each request.</summary>
    public Func<string, SamplingDefaults?> Sampling { get; init; } = static _ => null;

    /// <summary>What is computed of conversations after their answers.</summary>
    public Settling Settling { get; init; } = new();

    /// <summary>What was said of ignored fields already.</summary>
    internal IgnoredFieldsLog Ignored { get; } = new();

    /// <summary>Cancelled when the daemon does not wait any longer for what runs: streams end with an error event, other requests with a 503.</summary>
    public CancellationToken Ending { get; init; }

    /// <summary>Why nothing can be answered at the moment; null if it can. <c>GET /health</c> then says so, with a 503.</summary>
    public Func<string?> Unavailable { get; init; } = static () => null;

    /// <summary>Whether a model goes with its last session, and is not to be chosen any more: it is not listed.</summary>
    public Func<string, bool> Leaves { get; init; } = static _ => false;

    /// <summary>Longest time that one write waits for its reader; then the connection is aborted. Above zero.</summary>
    public TimeSpan SlowReaderTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest request body in bytes; a longer one is a 413. 1 to 1 GiB.</summary>
    public int MaxRequestBytes { get; init; } = 8 << 20;

    /// <summary>Each transaction's <see cref="InferenceOptions.Deadline"/>; null for none.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Each transaction's <see cref="InferenceOptions.SramWait"/>: a request that waited so long is a 429. Null to wait for its turn.</summary>
    public TimeSpan? SramWait { get; init; }

    /// <summary>Metrics of another process (the worker's <c>/metrics</c>), as Prometheus text, sent behind this one's. Null for none.</summary>
    public Func<CancellationToken, ValueTask<string>>? OtherMetrics { get; init; }
}
