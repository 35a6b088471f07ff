using System.Text;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting;

namespace VAI.Daemon.Tests.Hosting;

/// <summary>Where the log goes.</summary>
public sealed class HostLogTests
{
    // More than are kept for a reader.
    private const int Many = 10_000;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Nobody_waits_for_a_reader_of_the_log_that_has_stopped()
    {
        using var reader = new StoppedReader();
        using ILoggerFactory logs = Create(reader);
        ILogger log = logs.CreateLogger("VAI.Daemon");
        var logging = Task.Run(() =>
        {
            for (int i = 0; i < Many; i++)
                log.Stopped();
        });
        try
        {
            await logging.WaitAsync(Limit);
        }
        finally
        {
            reader.GoOn();
        }

        // What is lost is said with what comes next.
        await reader.Taken.WaitAsync(Limit);
        log.Stopped();
        logs.Dispose();
        Assert.Contains("dropped", reader.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_start_fails_by_is_said_once()
    {
        using ILoggerFactory logs = LoggerFactory.Create(HostLog.Configure);
        Assert.False(logs.CreateLogger("Microsoft.Extensions.Hosting.Internal.Host").IsEnabled(LogLevel.Error));
        Assert.True(logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").IsEnabled(LogLevel.Error));
    }

    // The console is asked for its writer once.
    private static ILoggerFactory Create(TextWriter writer)
    {
        TextWriter before = Console.Error;
        Console.SetError(writer);
        try
        {
            return LoggerFactory.Create(HostLog.Configure);
        }
        finally
        {
            Console.SetError(before);
        }
    }

    /// <summary>Takes nothing until it goes on, as a pipe that is full.</summary>
    private sealed class StoppedReader : StringWriter
    {
        private readonly ManualResetEventSlim _on = new();
        private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _writes;

        /// <summary>Ends once the second line is taken, so that there is room behind the last.</summary>
        public Task Taken => _taken.Task;

        public override Encoding Encoding => Encoding.UTF8;

        public void GoOn() => _on.Set();

        public override void Write(string? value)
        {
            if (++_writes == 2)
                _taken.SetResult();
            _on.Wait();
            base.Write(value);
        }

        protected override void Dispose(bool disposing)
        {
            _on.Dispose();
            base.Dispose(disposing);
        }
    }
}
