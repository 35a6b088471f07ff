using System.Net.Sockets;
using System.Text;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Tests.Admission;

/// <summary>Connections over TCP that say nothing, or nothing that is let in, take no place from those who have a key.</summary>
/// <remarks><c>VAI_TEST_CONNECTIONS</c> is their number.</remarks>
public sealed class ConnectionTests
{
    private static TimeSpan Never { get; } = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Idle_ones_without_a_key_are_few_and_who_has_a_key_is_served()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_CONNECTIONS"), out int n) ? n : 400;
        await using AdmissionHost host = await AdmissionHost.StartAsync(
            o => (o.FirstRequestTimeout, o.UnknownGrace) = (Never, TimeSpan.Zero), keys: ["boss admin secret"]);
        var options = new AdmissionOptions();
        var idle = new List<TcpClient>();
        var ends = new List<Task<string>>();
        int ended = 0;
        try
        {
            for (int i = 0; i < count; i++)
            {
                var client = new TcpClient();
                await client.ConnectAsync(host.Address.Host, host.Address.Port);
                idle.Add(client);
                ends.Add(ReadAsync(client));
                await ThereAsync();
                if (i % 16 == 0)
                    Assert.Equal("key:boss", await host.Tcp("secret").GetStringAsync("/free"));
                Assert.InRange(host.Connections.Unknown, 0, options.MaxUnknownPerAddress + 1);
            }

            // The oldest are ended; each of them learns it.
            foreach (Task<string> end in ends.Take(count - options.MaxUnknownPerAddress - 1))
                Assert.Equal("", await end);
            Assert.Equal("key:boss", await host.Tcp("secret").GetStringAsync("/free"));
        }
        finally
        {
            idle.ForEach(c => c.Dispose());
        }

        // The server meets connections in whatever order its threads have: the next comes when this one is counted, or has ended another.
        async Task ThereAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            while (true)
            {
                while (ended < ends.Count && ends[ended].IsCompleted)
                    ended++;
                if (host.Connections.Unknown + ended >= ends.Count)
                    return;
                patience.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task A_burst_of_connections_with_a_key_is_served()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(keys: ["boss admin secret"]);

        // A client each: one for all opens some that it never needs, and those are unknown.
        HttpClient[] clients = [.. Enumerable.Range(0, 400).Select(_ => host.Tcp("secret"))];
        string[] answers = await Task.WhenAll(clients.Select(c => c.GetStringAsync("/free")));
        Assert.All(answers, a => Assert.Equal("key:boss", a));
        Assert.Equal(0, host.Connections.Unknown);
        foreach (HttpClient client in clients)
            client.Dispose();
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(true, "GET /free HTTP/1.1\r\nHost: ")]
    [InlineData(true, "GET /free HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData(true, "GET /free HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n")]
    [InlineData(true, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData(false, "")]
    [InlineData(false, "GET /free HTTP/1.1\r\nHost: evil.example\r\n\r\n")]
    public async Task One_whose_request_is_not_let_in_is_closed(bool keyed, string sent)
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(
            o => o.FirstRequestTimeout = TimeSpan.FromMilliseconds(sent.EndsWith("\r\n\r\n", StringComparison.Ordinal) ? 60_000 : 50),
            keys: keyed ? ["secret"] : null);
        using var client = new TcpClient();
        await client.ConnectAsync(host.Address.Host, host.Address.Port);
        if (sent.Length > 0)
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(sent));
        string said = await ReadAsync(client);
        if (sent.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            Assert.StartsWith(sent.Contains("/health") ? "HTTP/1.1 200" : keyed ? "HTTP/1.1 401" : "HTTP/1.1 403", said);
        while (host.Connections.Unknown > 0)
            await Task.Yield();
    }

    [Fact]
    public async Task One_that_was_let_in_is_unknown_no_more_and_its_peers_life_is_asked_for()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(keys: ["secret"]);
        using HttpClient client = host.Tcp("secret");
        Assert.Equal("keepalive 1 60", await client.GetStringAsync("/free/keepalive"));
        Assert.Equal(0, host.Connections.Unknown);
    }

    [Theory]
    [InlineData("zz\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("ffffffffffffffff\r\n")]
    public async Task A_body_that_is_no_HTTP_is_an_error_like_any_other(string chunk)
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(host.Address.Host, host.Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"));
        string said = await ReadAsync(client);
        Assert.StartsWith("HTTP/1.1 400", said);
        Assert.Contains("\"code\":\"bad_request\"", said, StringComparison.Ordinal);
        Assert.Empty(host.Log);
    }

    // All that comes until the other side closes.
    private static async Task<string> ReadAsync(TcpClient client)
    {
        var said = new StringBuilder();
        byte[] buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await client.GetStream().ReadAsync(buffer)) > 0)
                said.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // Closed hard.
        }

        return said.ToString();
    }
}
