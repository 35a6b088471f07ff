using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace VAI.Core.Tests;

/// <summary>Keeps what is logged, from whatever thread.</summary>
internal sealed class RecordingLoggerProvider
{
    public ConcurrentQueue<(string Category, LogLevel Level, int Id, string Text)> Entries { get; } = new();
}

internal sealed class RecordingLoggerFactory(RecordingLoggerProvider log) : ILoggerFactory
{
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public ILogger CreateLogger(string categoryName) => new Recorder(log, categoryName);

    public void Dispose()
    {
    }

    private sealed class Recorder(RecordingLoggerProvider log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Entries.Enqueue((category, logLevel, eventId.Id, formatter(state, exception)));
    }
}
