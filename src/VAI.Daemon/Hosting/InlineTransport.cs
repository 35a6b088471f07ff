using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace VAI.Daemon.Hosting;

/// <summary>How bytes come from a socket to a request, and back.</summary>
internal static class InlineTransport
{
    /// <summary>
    /// The thread that has received goes on with the request, and the one that has written sends: where compute threads hold the cores,
    /// each hand-over to another thread may wait for one. Called unsafe for handlers that block, of which there are none.
    /// </summary>
    public static IServiceCollection AddInlineTransport(this IServiceCollection services) =>
        services.Configure<SocketTransportOptions>(o => o.UnsafePreferInlineScheduling = true);
}
