using Microsoft.Extensions.Logging;

namespace VAI.Diagnostics;

/// <summary>VAI's log messages. Event ids are stable: 1xx the native library, 2xx models.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information, "llama.cpp {Version} from {Directory}, CPU kernels {CpuKernels}, ABI {Abi}")]
    public static partial void NativeLoaded(this ILogger log, string version, string directory, string cpuKernels, string abi);

    [LoggerMessage(EventId = 101, Message = "{Line}")]
    public static partial void NativeLine(this ILogger log, LogLevel level, string line);

    [LoggerMessage(200, LogLevel.Information, "Loaded model {Name} from {File} in {Milliseconds:F0} ms")]
    public static partial void ModelLoaded(this ILogger log, string name, string file, double milliseconds);

    [LoggerMessage(201, LogLevel.Information, "Unloaded model {Name}")]
    public static partial void ModelUnloaded(this ILogger log, string name);
}
