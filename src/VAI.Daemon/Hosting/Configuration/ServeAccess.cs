using System.Net;
using System.Text.Json;
using VAI.Daemon.Access;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>Which sessions share what was computed of their prompts.</summary>
internal enum SharePrefixes
{
    /// <summary>None with any other.</summary>
    None,

    /// <summary>Those of one key, or of one user of the socket.</summary>
    Key,

    /// <summary>All.</summary>
    All,
}

/// <summary>The part of <see cref="ServeOptions"/> that says who may do what, and how much of it. Null stands for what was not said.</summary>
internal sealed record ServeAccess
{
    /// <summary>The names of its options in a file.</summary>
    public const string Names =
        "httpAdmin, httpHost, cors, trustedProxy, sessionsDir, sharePrefixes, maxActive, maxWaiting, clientActive, clientWaiting, clientSessions, "
        + "sessionIdle, connectionIdle, slowReader";

    public bool? HttpAdmin { get; init; }

    public IReadOnlyList<string> Hosts { get; init; } = [];

    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>Addresses, or networks as 10.0.0.0/8.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];

    public string? SessionsDirectory { get; init; }

    public SharePrefixes? SharePrefixes { get; init; }

    public int? MaxActive { get; init; }

    public int? MaxWaiting { get; init; }

    public int? ClientActive { get; init; }

    public int? ClientWaiting { get; init; }

    public int? ClientSessions { get; init; }

    /// <summary>Seconds.</summary>
    public double? SessionIdle { get; init; }

    /// <summary>Seconds.</summary>
    public double? ConnectionIdle { get; init; }

    /// <summary>Seconds.</summary>
    public double? SlowReader { get; init; }

    /// <summary>All of them, for a comparison: they are taken up by a start alone.</summary>
    public static IReadOnlyList<(string Key, Func<ServeAccess, object?> Value)> Fixed { get; } =
    [
        ("httpAdmin", a => a.HttpAdmin),
        ("httpHost", a => string.Join('\n', a.Hosts)),
        ("cors", a => string.Join('\n', a.Origins)),
        ("trustedProxy", a => string.Join('\n', a.TrustedProxies)),
        ("sessionsDir", a => a.SessionsDirectory),
        ("sharePrefixes", a => a.SharePrefixes),
        ("maxActive", a => a.MaxActive),
        ("maxWaiting", a => a.MaxWaiting),
        ("clientActive", a => a.ClientActive),
        ("clientWaiting", a => a.ClientWaiting),
        ("clientSessions", a => a.ClientSessions),
        ("sessionIdle", a => a.SessionIdle),
        ("connectionIdle", a => a.ConnectionIdle),
        ("slowReader", a => a.SlowReader),
    ];

    /// <summary>These, with what they leave open taken from others.</summary>
    public ServeAccess Over(ServeAccess file) => new()
    {
        HttpAdmin = HttpAdmin ?? file.HttpAdmin,
        Hosts = Hosts.Count > 0 ? Hosts : file.Hosts,
        Origins = Origins.Count > 0 ? Origins : file.Origins,
        TrustedProxies = TrustedProxies.Count > 0 ? TrustedProxies : file.TrustedProxies,
        SessionsDirectory = SessionsDirectory ?? file.SessionsDirectory,
        SharePrefixes = SharePrefixes ?? file.SharePrefixes,
        MaxActive = MaxActive ?? file.MaxActive,
        MaxWaiting = MaxWaiting ?? file.MaxWaiting,
        ClientActive = ClientActive ?? file.ClientActive,
        ClientWaiting = ClientWaiting ?? file.ClientWaiting,
        ClientSessions = ClientSessions ?? file.ClientSessions,
        SessionIdle = SessionIdle ?? file.SessionIdle,
        ConnectionIdle = ConnectionIdle ?? file.ConnectionIdle,
        SlowReader = SlowReader ?? file.SlowReader,
    };

    /// <summary>These with one that a file has; null if its name is none of theirs.</summary>
    public ServeAccess? With(string name, string key, JsonElement value) => name switch
    {
        "httpAdmin" => this with { HttpAdmin = ServeFile.Flag(key, value) },
        "httpHost" => this with { Hosts = ServeFile.Texts(key, value) },
        "cors" => this with { Origins = ServeFile.Texts(key, value) },
        "trustedProxy" => this with { TrustedProxies = ServeFile.Texts(key, value) },
        "sessionsDir" => this with { SessionsDirectory = ServeFile.Text(key, value) },
        "sharePrefixes" => this with { SharePrefixes = Sharing(key, ServeFile.Text(key, value)) },
        "maxActive" => this with { MaxActive = ServeFile.Whole(key, value) },
        "maxWaiting" => this with { MaxWaiting = ServeFile.Whole(key, value) },
        "clientActive" => this with { ClientActive = ServeFile.Whole(key, value) },
        "clientWaiting" => this with { ClientWaiting = ServeFile.Whole(key, value) },
        "clientSessions" => this with { ClientSessions = ServeFile.Whole(key, value) },
        "sessionIdle" => this with { SessionIdle = ServeFile.Number(key, value) },
        "connectionIdle" => this with { ConnectionIdle = ServeFile.Number(key, value) },
        "slowReader" => this with { SlowReader = ServeFile.Number(key, value) },
        _ => null,
    };

    public static SharePrefixes Sharing(string key, string text) => text switch
    {
        "none" => Configuration.SharePrefixes.None,
        "key" => Configuration.SharePrefixes.Key,
        "all" => Configuration.SharePrefixes.All,
        _ => throw ServeOptions.Invalid(key, $"is '{text}', but must be none, key or all."),
    };

    /// <summary>Checks everything that can be known before anything is started.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: names the key, and says what to do.</exception>
    public void Validate(string? apiKeyFile)
    {
        var access = new AccessOptions();
        Apply(access, apiKeyFile);
        access.Validate();
        Range("maxActive", MaxActive, 1, 65_536);
        Range("maxWaiting", MaxWaiting, 0, 1 << 20);
        Range("clientActive", ClientActive, 1, MaxActive ?? 65_536);
        Range("clientWaiting", ClientWaiting, 0, MaxWaiting ?? 1 << 20);
        Range("clientSessions", ClientSessions, 1, AdmissionOptions.MostSessions);
        Seconds("sessionIdle", SessionIdle, 1, 86_400 * 30);
        Seconds("connectionIdle", ConnectionIdle, 1, 86_400);
        Seconds("slowReader", SlowReader, 2, 3600);
    }

    public void Apply(AccessOptions options, string? apiKeyFile)
    {
        options.ApiKeyFile = apiKeyFile;
        options.HttpAdmin = HttpAdmin ?? false;
        options.Hosts = Hosts;
        options.Origins = Origins;
        options.TrustedProxies = [.. TrustedProxies.Select(Network)];
    }

    public void Apply(AdmissionOptions options)
    {
        options.MaxActive = MaxActive ?? options.MaxActive;
        options.MaxWaiting = MaxWaiting ?? options.MaxWaiting;
        options.MaxActivePerClient = ClientActive is { } active ? Math.Min(active, options.MaxActive) : null;
        options.MaxActiveBesideOthers = ClientActive is { } beside ? Math.Min(beside, options.MaxActive) : null;
        options.MaxWaitingPerClient = ClientWaiting is { } waiting ? Math.Min(waiting, options.MaxWaiting) : null;
        options.MaxSessionsPerClient = ClientSessions ?? options.MaxSessionsPerClient;
        options.SessionIdle = SessionIdle is { } idle ? TimeSpan.FromSeconds(idle) : options.SessionIdle;
        options.IdleTimeout = ConnectionIdle is { } connection ? TimeSpan.FromSeconds(connection) : options.IdleTimeout;
        options.SlowReaderTimeout = SlowReader is { } slow ? TimeSpan.FromSeconds(slow) : options.SlowReaderTimeout;
    }

    private static IPNetwork Network(string text)
    {
        if (IPNetwork.TryParse(text, out IPNetwork network))
            return network;
        return IPAddress.TryParse(text, out IPAddress? address)
            ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : throw ServeOptions.Invalid("trustedProxy", $"is '{text}', but must be an address, or a network as 10.0.0.0/8.");
    }

    private static void Range(string key, int? value, int least, int most)
    {
        if (value < least || value > most)
            throw ServeOptions.Invalid(key, $"is {value}, but must be from {least} to {most}.");
    }

    private static void Seconds(string key, double? value, double least, double most)
    {
        if (value is { } seconds && !(seconds >= least && seconds <= most))
            throw ServeOptions.Invalid(key, $"is {value}, but must be from {least} to {most} seconds.");
    }
}
