using Microsoft.Extensions.Logging;
using VAI.Pipeline;

namespace VAI.Diagnostics;

/// <summary>An engine's logger: foreign code, called in the middle of what the engine does. What it throws is lost, and what it may wait for is marked.</summary>
/// <param name="log">Where it goes.</param>
/// <param name="engine">Stands for the engine, as in <see cref="EngineThread"/>.</param>
internal sealed class EngineLogger(ILogger log, object engine) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return log.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        using IDisposable mark = EngineThread.Enter(engine);
        try
        {
            log.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // There is no other log to say so.
        }
    }
}
