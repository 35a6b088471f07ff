using System.Net;

namespace VAI.Daemon.Access;

/// <summary>Who may do what over TCP. Over the Unix socket its file's mode decides.</summary>
internal sealed class AccessOptions
{
    /// <summary>The file of the API keys that TCP connections need; null for none. See <see cref="ApiKeys.Read"/>.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Whether VAI's own API is there over TCP, for keys of role admin.</summary>
    public bool HttpAdmin { get; set; }

    /// <summary>Names that requests may be for, besides the bound address and the loopback ones; each with or without a port.</summary>
    public IReadOnlyList<string> Hosts { get; set; } = [];

    /// <summary>Origins whose pages may ask, as <c>https://example.org</c>.</summary>
    public IReadOnlyList<string> Origins { get; set; } = [];

    /// <summary>Proxies whose X-Forwarded-For is believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; set; } = [];

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: the message begins with the option's key.</exception>
    public void Validate()
    {
        if (HttpAdmin && ApiKeyFile is null)
            throw Invalid("httpAdmin", "needs an apiKeyFile with a key of role admin. Give one, or use the Unix socket.");
        foreach (string host in Hosts)
        {
            if (Uri.CheckHostName(Name(host)) == UriHostNameType.Unknown)
                throw Invalid("httpHost", $"is '{host}', which is no name of a host. Give one as example.org or example.org:443.");
        }

        foreach (string origin in Origins)
        {
            int host = origin.IndexOf("://", StringComparison.Ordinal) + 3;
            if (host < 4 || host == origin.Length || origin.AsSpan(host).ContainsAny("/?#@,* ") || !Uri.TryCreate(origin, UriKind.Absolute, out _))
                throw Invalid("cors", $"is '{origin}', which is no origin. Name each, as https://example.org or http://localhost:3000, without a path.");
        }
    }

    private static string Name(string host)
    {
        int colon = host.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(host.AsSpan(colon + 1), out _) && host.IndexOf(':') == colon | host[colon - 1] == ']' ? host[..colon] : host;
    }

    private static VaiUsageException Invalid(string key, string what) => new(VaiError.InvalidOption, $"{key} {what}");
}
