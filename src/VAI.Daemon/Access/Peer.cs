using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Access;

/// <summary>Who is at the other end of a connection.</summary>
internal static class Peer
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>Whether it came over a Unix socket, whose file's mode has decided who may.</summary>
    public static bool IsLocal(HttpContext context) =>
        Socket(context) is { AddressFamily: AddressFamily.Unix };

    /// <summary>
    /// User and process at the other end of a Unix socket; null if it is gone already, or is none.
    /// </summary>
    public static (uint User, int Process)? Credentials(HttpContext context)
    {
        // struct ucred: pid, uid and gid of who connected.
        Span<int> ucred = stackalloc int[3];
        try
        {
            return Socket(context)?.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(ucred)) == 12 ? ((uint)ucred[1], ucred[0]) : null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>
    /// The address of a client of TCP; behind proxies that are trusted, the last one that they name and that is none of theirs.
    /// </summary>
    public static IPAddress? Address(HttpContext context, IReadOnlyList<IPNetwork> proxies)
    {
        IPAddress? address = Plain(context.Connection.RemoteIpAddress);
        if (address is null || !IsOf(address, proxies))
            return address;

        // Each proxy adds who asked it at the end: what stands before the first that is not trusted, anybody may have written.
        string[] hops = string.Join(',', context.Request.Headers["X-Forwarded-For"].OfType<string>()).Split(',', StringSplitOptions.TrimEntries);
        for (int i = hops.Length - 1; i >= 0; i--)
        {
            // With a port, as some write it.
            if (!IPEndPoint.TryParse(hops[i], out IPEndPoint? hop))
                break;
            address = Plain(hop.Address)!;
            if (!IsOf(address, proxies))
                break;
        }

        return address;
    }

    public static bool IsOf(IPAddress? address, IReadOnlyList<IPNetwork> networks) =>
        networks.Count > 0 && Plain(address) is { } plain && networks.Any(n => n.Contains(plain));

    private static IPAddress? Plain(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;

    private static Socket? Socket(HttpContext context) => context.Features.Get<IConnectionSocketFeature>()?.Socket;
}
