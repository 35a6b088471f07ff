using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Access;

/// <summary>What a client over TCP is told of this machine's files: their names, not where they are. The log has the whole.</summary>
internal static partial class ServerPaths
{
    /// <summary>A message as the request's client may see it.</summary>
    public static string Shown(HttpContext http, string message) => Caller.Of(http).MayUseVai ? message : WithoutDirectories(message);

    /// <summary>Takes the directories of absolute paths away.</summary>
    public static string WithoutDirectories(string message) => Directories().Replace(message, "");

    // Not the inside of a relative path or of a URL.
    [GeneratedRegex("""(?<![\w.~:/\-])/(?:[^\s/:;,'"()]+/)+""")]
    private static partial Regex Directories();
}
