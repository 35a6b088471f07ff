using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace VAI.Daemon.Hosting;

/// <summary>The log of a daemon's processes: a line each, to standard error, where systemd's journal collects it.</summary>
internal static class HostLog
{
    /// <summary>When this is set in the environment, everything from Debug up is logged, llama.cpp's lines with it.</summary>
    public const string Variable = "VAI_DEBUG";

    public static void Configure(ILoggingBuilder logging)
    {
        bool debug = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable));
        logging.SetMinimumLevel(debug ? LogLevel.Debug : LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);

        // What a start fails by is thrown, and said by who catches it.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        if (!debug)
            logging.AddFilter("VAI.Native", LogLevel.Warning);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;

            // A reader that has stopped (a terminal's Ctrl-S, a pager, a stuck collector) would else stop everybody who logs: requests, the
            // supervisor, and the end of the process. What is lost is counted in the log.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
    }
}
