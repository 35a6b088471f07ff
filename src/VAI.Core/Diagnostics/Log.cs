using Microsoft.Extensions.Logging;
using VAI.Native.Abi;

namespace VAI.Diagnostics;

/// <summary>VAI's log messages. Event ids are stable: 100, 101 and 103 the native library, 102 foreign code, 20x models, 21x ROMs.</summary>
internal static partial class Log
{
    /// <summary>Says which library computes, and what that costs.</summary>
    public static void NativeLoaded(this ILogger log, LoadedLlama library)
    {
        log.NativeLoaded(library.Version, library.Source, library.Directory, library.CpuKernels ?? "built in", library.Abi.Name);
        if (Doctor.CostOf(library) is { } cost)
            log.NativeCost(library.Source, cost);
    }

    [LoggerMessage(100, LogLevel.Information, "llama.cpp {Version} of {Source} from {Directory}, CPU kernels {CpuKernels}, ABI {Abi}")]
    public static partial void NativeLoaded(this ILogger log, string version, string source, string directory, string cpuKernels, string abi);

    [LoggerMessage(103, LogLevel.Warning, "llama.cpp of {Source}: {Cost}")]
    public static partial void NativeCost(this ILogger log, string source, string cost);

    [LoggerMessage(EventId = 101, Message = "{Line}")]
    public static partial void NativeLine(this ILogger log, LogLevel level, string line);

    [LoggerMessage(102, LogLevel.Warning, "{Origin} threw an exception; nothing failed by it. More of it are not logged")]
    public static partial void Swallowed(this ILogger log, Exception error, string origin);

    [LoggerMessage(200, LogLevel.Information, "Loaded model {Name} from {File} in {Milliseconds:F0} ms")]
    public static partial void ModelLoaded(this ILogger log, string name, string file, double milliseconds);

    [LoggerMessage(201, LogLevel.Information, "Unloaded model {Name}")]
    public static partial void ModelUnloaded(this ILogger log, string name);

    [LoggerMessage(202, LogLevel.Error, "{What} could not be ended; the rest of the engine ends all the same")]
    public static partial void NotEnded(this ILogger log, Exception error, string what);

    [LoggerMessage(203, LogLevel.Warning, "{Name} asks for a GPU, and is computed by the CPU alone: llama.cpp shows no GPU here, or none has room for a layer")]
    public static partial void NoGpu(this ILogger log, string name);

    [LoggerMessage(204, LogLevel.Information, "{Name} has {Layers} layers on {Devices}")]
    public static partial void OnDevices(this ILogger log, string name, int layers, string devices);

    [LoggerMessage(210, LogLevel.Information, "Burning {File} for {Name} into {Directory}")]
    public static partial void RomBurning(this ILogger log, string name, string file, string directory);

    [LoggerMessage(211, LogLevel.Information, "ROM {Name} is {Id}: {Megabytes} MiB, burned in {Milliseconds:F0} ms {Note}")]
    public static partial void RomBurned(this ILogger log, string name, string id, long megabytes, double milliseconds, string note);
}
