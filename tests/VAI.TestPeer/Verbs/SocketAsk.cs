using System.Net.Sockets;

namespace VAI.TestPeer.Verbs;

/// <summary>Asks a daemon at its Unix socket one thing, and prints the status and the answer's first line; or why it could not be asked.</summary>
internal static class SocketAsk
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public static int Run(string socket, string target, string body)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), token);
                return new NetworkStream(connection, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler) { BaseAddress = new Uri("http://localhost/"), Timeout = Limit };
        try
        {
            using HttpResponseMessage answer = (body.Length == 0
                ? http.GetAsync(target)
                : http.PostAsync(target, new StringContent(body, null, "application/json"))).GetAwaiter().GetResult();
            Console.WriteLine($"{(int)answer.StatusCode} {answer.Content.ReadAsStringAsync().GetAwaiter().GetResult().Split('\n')[0]}");
        }
        catch (HttpRequestException e)
        {
            Console.WriteLine((e.InnerException as SocketException)?.SocketErrorCode.ToString() ?? e.Message);
        }

        return ExitCodes.Done;
    }
}
