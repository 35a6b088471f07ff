using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using VAI.Native.Interop;

namespace VAI.Daemon.Access;

/// <summary>Who a request is of.</summary>
/// <param name="Client">
/// Who has a share of the daemon: a process on the Unix socket, a key or an address on TCP; behind a proxy, one of the users of a key.
/// </param>
/// <param name="Owner">Whom sessions belong to: a user, a key or an address.</param>
/// <param name="IsAdmin">Whether everybody's sessions are its own.</param>
/// <param name="MayNameFiles">Whether it may name files of the daemon's: it could read them itself.</param>
/// <param name="MayUseVai">Whether it may use VAI's own API.</param>
internal sealed record Caller(string Client, string Owner, bool IsAdmin, bool MayNameFiles, bool MayUseVai)
{
    private static readonly object Known = new();

    /// <summary>Whether it has shown a key.</summary>
    public bool IsKeyed { get; private init; }

    /// <summary>Who the request is of, as the <see cref="Doorkeeper"/> found; where there is none, who is at the other end.</summary>
    public static Caller Of(HttpContext context)
    {
        if (context.Features.Get<Caller>() is { } caller)
            return caller;
        caller = Peer.IsLocal(context) ? Local(context) : Remote(Peer.Address(context, []));
        context.Features.Set(caller);
        return caller;
    }

    /// <summary>A client over TCP without a key.</summary>
    public static Caller Remote(IPAddress? address) => new($"address:{address}", $"address:{address}", false, false, false);

    /// <summary>A client over TCP with a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="forwarded">Whom a trusted proxy asks for; null for nobody.</param>
    /// <param name="admin">Whether VAI's own API is there for admins.</param>
    public static Caller Keyed(ApiKey key, IPAddress? forwarded, bool admin)
    {
        string owner = "key:" + key.Id;
        admin &= key.Role == KeyRole.Admin;
        return new Caller(forwarded is null ? owner : $"{owner} address:{forwarded}", owner, admin, false, admin) { IsKeyed = true };
    }

    // Once for each connection: its peer does not change.
    private static Caller Local(HttpContext context)
    {
        IDictionary<object, object?>? items = context.Features.Get<IConnectionItemsFeature>()?.Items;
        if (items is not null && items.TryGetValue(Known, out object? known))
            return (Caller)known!;
        Caller caller = Peer.Credentials(context) is { } peer ? Local(peer.User, peer.Process) : new Caller("local", "local", false, false, true);
        if (items is not null)
            items[Known] = caller;
        return caller;
    }

    private static Caller Local(uint user, int process)
    {
        bool own = user == 0 || user == LibcNative.geteuid();
        string owner = string.Create(CultureInfo.InvariantCulture, $"uid:{user}");
        return new Caller(string.Create(CultureInfo.InvariantCulture, $"{owner} pid:{process}"), owner, own, own, true);
    }
}
