using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VAI.Daemon.FaultTests;

/// <summary>HTTP to a daemon's Unix socket, with as many connections as it takes. A backlog that is full is waited for.</summary>
internal static class LocalHttp
{
    public static HttpClient Client(string socket) => new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = int.MaxValue,
        ConnectCallback = async (_, cancellationToken) =>
        {
            while (true)
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain)
                {
                    connection.Dispose();
                    await Task.Delay(5, cancellationToken);
                }
            }
        },
    })
    {
        BaseAddress = new Uri("http://vai/"),
        Timeout = TimeSpan.FromMinutes(5),
    };

    public static async Task<(HttpStatusCode Status, string Body)> PostAsync(HttpClient http, string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync(path, content);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
