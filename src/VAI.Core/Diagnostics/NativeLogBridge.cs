using Microsoft.Extensions.Logging;
using VAI.Native.Abi;

namespace VAI.Diagnostics;

/// <summary>
/// Hands llama.cpp's log lines to a logger, for as long as it is not disposed. What llama.cpp calls information is detail
/// to a user of VAI, so it goes out as Debug, and its debug lines as Trace.
/// </summary>
internal sealed class NativeLogBridge : IDisposable
{
    private readonly ILogger _log;

    public NativeLogBridge(ILogger log)
    {
        _log = log;
        NativeLog.Line += OnLine;
    }

    public void Dispose() => NativeLog.Line -= OnLine;

    private void OnLine(NativeLogLevel level, string line) => _log.NativeLine(
        level switch
        {
            NativeLogLevel.Error => LogLevel.Error,
            NativeLogLevel.Warning => LogLevel.Warning,
            NativeLogLevel.Info => LogLevel.Debug,
            _ => LogLevel.Trace,
        },
        line);
}
