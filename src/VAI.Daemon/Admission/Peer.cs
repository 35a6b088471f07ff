using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Admission;

/// <summary>Who is at the other end of a connection.</summary>
internal static class Peer
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private static readonly object Known = new();

    /// <summary>Whether it came over a Unix socket, whose file's mode has decided who may.</summary>
    public static bool IsLocal(HttpContext context) =>
        Socket(context) is { AddressFamily: AddressFamily.Unix };

    /// <summary>A client of a Unix socket: its user and process.</summary>
    public static string Local(HttpContext context)
    {
        IDictionary<object, object?>? items = context.Features.Get<IConnectionItemsFeature>()?.Items;
        if (items is not null && items.TryGetValue(Known, out object? known))
            return (string)known!;
        string client = Credentials(Socket(context));
        if (items is not null)
            items[Known] = client;
        return client;
    }

    /// <summary>A client of TCP without a key: its address.</summary>
    public static string Address(HttpContext context) => $"address:{context.Connection.RemoteIpAddress}";

    private static Socket? Socket(HttpContext context) => context.Features.Get<IConnectionSocketFeature>()?.Socket;

    // struct ucred: pid, uid and gid of who connected. A client that is gone already has no connection to ask about.
    private static string Credentials(Socket? socket)
    {
        Span<int> ucred = stackalloc int[3];
        try
        {
            return socket?.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(ucred)) == 12
                ? string.Create(CultureInfo.InvariantCulture, $"uid:{ucred[1]} pid:{ucred[0]}")
                : "local";
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return "local";
        }
    }
}
