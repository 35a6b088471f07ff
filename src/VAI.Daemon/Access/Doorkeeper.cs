using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VAI.Daemon.Admission;
using VAI.Remote;

namespace VAI.Daemon.Access;

/// <summary>
/// Says who asks, and refuses over TCP what no program of the user's sends: what a web page makes a browser send, under a name that leads
/// here by somebody else's doing; and what needs a key without one.
/// </summary>
/// <remarks>
/// A browser says by Host which name it was told, by Origin and Sec-Fetch-Site which page asks, and asks beforehand (a preflight) about all but
/// simple requests, whose content type is never JSON. Each alone would do against most pages; none against all.
/// </remarks>
internal sealed class Doorkeeper
{
    private readonly AccessOptions _options;
    private readonly HashSet<string> _hosts;
    private readonly Cors _cors;
    private readonly ILogger _log;

    /// <exception cref="VaiUsageException">An option is out of its range; the key file is missing, empty or open to everybody.</exception>
    public Doorkeeper(AccessOptions options, ILogger log)
    {
        options.Validate();
        _options = options;
        _log = log;
        _hosts = new HashSet<string>(options.Hosts, StringComparer.OrdinalIgnoreCase);
        _cors = new Cors(options.Origins);
        Keys = options.ApiKeyFile is { } file ? new KeyRing(file, log) : null;
        if (options.HttpAdmin && !Keys!.HasAdmin)
        {
            throw new VaiUsageException(
                VaiError.InvalidOption, $"httpAdmin needs a key of role admin, and '{options.ApiKeyFile}' has none. Write one: ID admin KEY.");
        }
    }

    /// <summary>The keys that TCP connections need; null if they need none.</summary>
    public KeyRing? Keys { get; }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (Peer.IsLocal(context))
        {
            await next(context);
            return;
        }

        IPAddress? address = Peer.Address(context, _options.TrustedProxies);
        context.Features.Set(Caller.Remote(address));
        if (HostOrOrigin(context.Request, context.Connection) is { } foreign)
        {
            await RefuseAsync(context, foreign);
            return;
        }

        if (_cors.Answers(context))
            return;
        if (Keys is not null && !Known(context, address) && !IsOpen(context.Request))
        {
            await RefuseAsync(context, Refusal.Unauthorized);
            return;
        }

        if (Use(context) is { } refusal)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        // Who only asks for its life does not come to stay.
        if (Keys is null || Caller.Of(context).IsKeyed)
            ConnectionGuard.Admit(context);
        else
            context.Response.Headers.Connection = "close";
        await next(context);
    }

    private bool Known(HttpContext context, IPAddress? address)
    {
        if (Keys!.Accepted(context.Request) is not { } key)
            return false;
        bool forwarded = address is not null && Peer.IsOf(context.Connection.RemoteIpAddress, _options.TrustedProxies);
        context.Features.Set(Caller.Keyed(key, forwarded ? address : null, _options.HttpAdmin));
        return true;
    }

    private Refusal? HostOrOrigin(HttpRequest request, ConnectionInfo connection)
    {
        if (!IsOurs(request.Host, connection))
        {
            return Refusal.Forbidden(
                "host_not_allowed",
                $"This daemon is not known as '{request.Host.Value}'. Ask for the address that it listens at, or start it with --http-host {request.Host.Value}.");
        }

        string? origin = request.Headers.Origin;
        bool named = _cors.Allows(origin);
        if (!string.IsNullOrEmpty(origin) && !named && !IsOf(origin, request.Host))
        {
            return Refusal.Forbidden(
                "origin_not_allowed", $"Pages of '{origin}' may not use this daemon. Start it with --cors {origin} if they are to.");
        }

        string? site = request.Headers["Sec-Fetch-Site"];
        return string.IsNullOrEmpty(site) || named || site is "same-origin" or "none"
            ? null
            : Refusal.Forbidden(
                "origin_not_allowed", $"Pages of other sites may not use this daemon (Sec-Fetch-Site: {site}). Start it with --cors ORIGIN for those that are to.");
    }

    private static Refusal? Use(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.Path.StartsWithSegments("/vai") && !Caller.Of(context).MayUseVai)
            return Refusal.NoVai;
        bool hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? request.ContentLength > 0;
        return !hasBody || HttpMethods.IsGet(request.Method) || request.HasJsonContentType() || request.ContentType == RemoteFile.ContentType ? null : Refusal.NotJson;
    }

    // An address cannot be made to lead elsewhere, and localhost is resolved by no name server.
    private bool IsOurs(HostString host, ConnectionInfo connection)
    {
        if (!host.HasValue || _hosts.Contains(host.Value))
            return true;
        if (host.Port is { } port && port != connection.LocalPort)
            return false;
        if (host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || _hosts.Contains(host.Host))
            return true;
        if (!IPAddress.TryParse(host.Host, out IPAddress? address))
            return false;
        IPAddress? bound = connection.LocalIpAddress;
        return address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback)
            || (bound is not null && address.MapToIPv6().Equals(bound.MapToIPv6()));
    }

    // A page that came from here.
    private static bool IsOf(string origin, HostString host) =>
        host.HasValue && (origin.Equals($"http://{host.Value}", StringComparison.OrdinalIgnoreCase)
            || origin.Equals($"https://{host.Value}", StringComparison.OrdinalIgnoreCase));

    // Whether the daemon lives is no secret, and who asks that is often a probe without keys.
    private static bool IsOpen(HttpRequest request) => HttpMethods.IsGet(request.Method) && request.Path == "/health";

    private Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        _log.WasRefused(Caller.Of(context).Client, context.Request.Method, context.Request.Path.Value ?? "", refusal.Status);
        context.Response.Headers.Connection = "close";
        return refusal.WriteAsync(context);
    }
}

/// <summary>Puts access in front of an application.</summary>
internal static class AccessExtensions
{
    /// <summary>Adds the <see cref="Doorkeeper"/>. Its options are checked, and its key file is read, when it is first needed.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, Action<AccessOptions>? configure = null)
    {
        var options = new AccessOptions();
        configure?.Invoke(options);
        return services.AddSingleton(options).AddSingleton(s => new Doorkeeper(
            options, s.GetService<ILoggerFactory>()?.CreateLogger("VAI.Daemon.Access") ?? NullLogger.Instance));
    }

    /// <summary>Everything behind this passes the doorkeeper, who is made here, so that what is wrong with its options shows at the start.</summary>
    /// <exception cref="VaiUsageException">As <see cref="Doorkeeper(AccessOptions, ILogger)"/>.</exception>
    public static IApplicationBuilder UseAccess(this IApplicationBuilder app)
    {
        Doorkeeper doorkeeper = app.ApplicationServices.GetRequiredService<Doorkeeper>();
        return app.Use(next => context => doorkeeper.InvokeAsync(context, next));
    }
}
