using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VAI.Daemon.Access;

namespace VAI.Daemon.Api;

/// <summary>What VAI's API knows of those who use it, and what it keeps for them.</summary>
internal sealed class ApiAccess
{
    /// <summary>Where sessions are saved.</summary>
    public SavedSessions Saved { get; init; } = new(null);

    /// <summary>Most bytes of a session that comes from a client.</summary>
    public long MaxSessionBytes { get; init; } = 8L << 30;

    /// <summary>Whether a model of that name can be loaded; other names are those of files.</summary>
    public Func<string, bool> IsConfigured { get; init; } = static _ => false;

    /// <summary>Where it is said who did what.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>Says that a caller did something.</summary>
    public void Did(HttpContext context, string verb, string what) => Log.Did(Caller.Of(context).Client, verb, what);

    /// <summary>Refuses files from those who could not read them themselves.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.NotAllowed"/>.</exception>
    public static void CheckFiles(HttpContext context)
    {
        if (!Caller.Of(context).MayNameFiles)
        {
            throw new VaiUsageException(
                VaiError.NotAllowed,
                "Files are named by the daemon's own user alone, over its Unix socket. Ask for a model of the configuration, or of --models-dir, by its name.");
        }
    }
}
