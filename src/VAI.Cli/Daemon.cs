using Microsoft.Extensions.Logging;
using VAI.Remote;

namespace VAI.Cli;

/// <summary>The daemon that a verb speaks to.</summary>
internal static class Daemon
{
    /// <summary>How long an answer that broke off waits for the daemon to be there again.</summary>
    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(30);

    public static Option<string?> Socket { get; } = Path("--socket", "The daemon's Unix socket; VAI_SOCKET, or vai/vai.sock in the runtime directory, if not given.");

    public static Option<string?> Path(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "PATH" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value.Length == 0))
                result.AddError($"{name} is empty. Give the path of a socket.");
        });
        return option;
    }

    public static string SocketOf(ParseResult parsed) => System.IO.Path.GetFullPath(parsed.GetValue(Socket) ?? DaemonSocket.DefaultPath);

    /// <summary>A client, which connects when it is first asked something.</summary>
    /// <param name="parsed">Names the socket.</param>
    /// <param name="log">Null for none.</param>
    /// <param name="resumes">Whether to wait for a daemon that goes away in the middle of an answer.</param>
    public static RemoteVai Connect(ParseResult parsed, ILoggerFactory? log, bool resumes = false) =>
        Connect(SocketOf(parsed), log, resumes, parsed.GetValue(Socket) is not null || DaemonSocket.IsNamed);

    /// <summary>A client of the daemon at a socket.</summary>
    /// <param name="socket">Its path.</param>
    /// <param name="log">Null for none.</param>
    /// <param name="resumes">Whether to wait for a daemon that goes away in the middle of an answer.</param>
    /// <param name="named">Whether the user has named it; else it must be this user's or root's.</param>
    public static RemoteVai Connect(string socket, ILoggerFactory? log, bool resumes = false, bool named = true) => new(
        new SocketEndpoint(System.IO.Path.GetFullPath(socket), resumes ? Reconnect : TimeSpan.Zero, named ? null : DaemonSocket.CurrentUser), log);
}
