using VAI.Daemon.Supervision.Link;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>Where the engines are that requests go to.</summary>
internal interface IEngines
{
    /// <summary>Told of each model that is loaded, or not loaded any more (null).</summary>
    Action<string, Remote.Wire.WireModel?>? ModelChanged { get; set; }

    /// <summary>
    /// The engine that a request is to go to, once there is one: of one that went to an engine that ended, the next one.
    /// </summary>
    /// <exception cref="VaiException">
    /// <see cref="VaiError.EngineLost"/>, <see cref="VaiError.ModelQuarantined"/> or <see cref="VaiError.RequestQuarantined"/>: there is none for it.
    /// </exception>
    ValueTask<EngineStay> EnterAsync(Request request, CancellationToken cancellationToken);
}

/// <summary>A request's stay at an engine. To be disposed.</summary>
/// <param name="Link">The engine.</param>
/// <param name="Ward">What ends with the stay; null for nothing.</param>
internal readonly record struct EngineStay(EngineLink Link, IIsolation? Ward) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Ward?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>An engine that one request has for itself.</summary>
internal interface IIsolation : IAsyncDisposable
{
    /// <summary>Whether the request has come so far beyond where it was that it can go back to the others.</summary>
    bool IsCleared { get; }
}
