using Microsoft.Extensions.Logging;

namespace VAI.Daemon.Access;

/// <summary>Who did what. Event ids 36x.</summary>
internal static partial class AccessLog
{
    [LoggerMessage(360, LogLevel.Information, "{Caller}: {Verb} {What}")]
    public static partial void Did(this ILogger log, string caller, string verb, string what);

    [LoggerMessage(361, LogLevel.Information, "Read {Count} API keys from {File}")]
    public static partial void KeysRead(this ILogger log, string file, int count);

    [LoggerMessage(362, LogLevel.Error, "The API keys stay as they were: {Reason}")]
    public static partial void KeysNotRead(this ILogger log, string reason);

    [LoggerMessage(363, LogLevel.Debug, "{Caller}: {Method} {Path} was refused with {Status}")]
    public static partial void WasRefused(this ILogger log, string caller, string method, string path, int status);
}
