using VAI.Daemon.Hosting.Configuration;

namespace VAI.Cli.Verbs.Serving;

/// <summary>The options of <c>vai serve</c> that say who may do what, and how much of it.</summary>
internal static class ServeAccessLine
{
    private static readonly Option<bool?> HttpAdmin = new("--http-admin")
    {
        Description = "Serve VAI's own API (/vai) over TCP too, to keys of role admin.",
        Arity = ArgumentArity.Zero,
    };

    private static readonly Option<string[]> HttpHost =
        Common.Value<string[]>("--http-host", "NAME", "A name that TCP requests may be for (Host), besides the address and localhost. May be repeated.");

    private static readonly Option<string[]> Cors =
        Common.Value<string[]>("--cors", "ORIGIN", "An origin whose web pages may use the daemon over TCP, as https://example.org. May be repeated; none by default.");

    private static readonly Option<string[]> TrustedProxy =
        Common.Value<string[]>("--trusted-proxy", "ADDRESS", "A proxy's address or network whose X-Forwarded-For tells clients apart. May be repeated.");

    private static readonly Option<string?> SessionsDirectory =
        Common.Value<string?>("--sessions-dir", "DIR", "Where sessions are saved by name; $XDG_STATE_HOME/vai/sessions if not given.");

    private static readonly Option<string?> SharePrefixes =
        Common.Value<string?>("--share-prefixes", "none|key|all", "Who shares what was computed of a prompt: all (the default without keys), those of one key (with keys), or none.");

    private static readonly Option<int?> MaxActive = Common.Number<int?>("--max-active", "Requests that compute at once; 64 if not given.");
    private static readonly Option<int?> MaxWaiting = Common.Number<int?>("--max-waiting", "Requests that wait for that; 256 if not given.");
    private static readonly Option<int?> ClientActive = Common.Number<int?>("--client-active", "Of those that compute, one client's; a quarter, and less beside others, if not given.");
    private static readonly Option<int?> ClientWaiting = Common.Number<int?>("--client-waiting", "Of those that wait, one client's; a quarter if not given.");
    private static readonly Option<int?> ClientSessions = Common.Number<int?>("--client-sessions", "Open sessions of one client; 4096 if not given.");

    private static readonly Option<double?> SessionIdle =
        Common.Value<double?>("--session-idle", "SECONDS", "Seconds after which an unused session is closed whose client holds no lease; 1800 if not given.");

    private static readonly Option<double?> ConnectionIdle =
        Common.Value<double?>("--connection-idle", "SECONDS", "Seconds after which an unused connection is closed; 600 if not given.");

    private static readonly Option<double?> SlowReader =
        Common.Value<double?>("--slow-reader", "SECONDS", "Seconds after which a stream is broken off whose reader takes none of it; 30 if not given.");

    public static void AddTo(Command command)
    {
        SharePrefixes.AcceptOnlyFromAmong("none", "key", "all");
        foreach (Option option in (Option[])
        [
            HttpAdmin, HttpHost, Cors, TrustedProxy, SessionsDirectory, SharePrefixes, MaxActive, MaxWaiting, ClientActive, ClientWaiting, ClientSessions,
            SessionIdle, ConnectionIdle, SlowReader,
        ])
        {
            command.Options.Add(option);
        }
    }

    public static ServeAccess Read(ParseResult parsed) => new()
    {
        HttpAdmin = parsed.GetResult(HttpAdmin) is { Implicit: false } ? true : null,
        Hosts = parsed.GetValue(HttpHost) ?? [],
        Origins = parsed.GetValue(Cors) ?? [],
        TrustedProxies = parsed.GetValue(TrustedProxy) ?? [],
        SessionsDirectory = parsed.GetValue(SessionsDirectory),
        SharePrefixes = parsed.GetValue(SharePrefixes) is { } sharing ? ServeAccess.Sharing("--share-prefixes", sharing) : null,
        MaxActive = parsed.GetValue(MaxActive),
        MaxWaiting = parsed.GetValue(MaxWaiting),
        ClientActive = parsed.GetValue(ClientActive),
        ClientWaiting = parsed.GetValue(ClientWaiting),
        ClientSessions = parsed.GetValue(ClientSessions),
        SessionIdle = parsed.GetValue(SessionIdle),
        ConnectionIdle = parsed.GetValue(ConnectionIdle),
        SlowReader = parsed.GetValue(SlowReader),
    };
}
