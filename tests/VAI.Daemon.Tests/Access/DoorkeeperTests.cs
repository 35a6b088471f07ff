using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using VAI.Daemon.Tests.Admission;

namespace VAI.Daemon.Tests.Access;

/// <summary>What browsers send for pages, byte for byte in what counts, and what programs send. (tests/VAI.Browser.Tests has a browser.)</summary>
public sealed class DoorkeeperTests
{
    private const string Evil = "http://evil.example";

    /// <summary>PORT stands for the daemon's.</summary>
    [Theory]
    [InlineData("POST", "Content-Type: text/plain;charset=UTF-8", "Origin: " + Evil, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")]
    [InlineData("POST", "Content-Type: text/plain", "Origin: " + Evil)]
    [InlineData("POST", "Content-Type: application/x-www-form-urlencoded", "Origin: " + Evil, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")]
    [InlineData("POST", "Content-Type: multipart/form-data; boundary=x", "Origin: null", "Sec-Fetch-Site: cross-site")]
    [InlineData("POST", "Content-Type: application/json", "Origin: " + Evil)]
    [InlineData("POST", "Content-Type: application/json", "Origin: null")]
    [InlineData("POST", "Origin: " + Evil)]
    [InlineData("DELETE", "Origin: " + Evil)]
    [InlineData("OPTIONS", "Origin: " + Evil, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")]
    [InlineData("GET", "Origin: " + Evil, "Accept: text/event-stream", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors")]
    [InlineData("GET", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")]
    [InlineData("GET", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe")]
    [InlineData("GET", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors")]
    [InlineData("POST", "Content-Type: application/json", "Origin: http://localhost:3000", "Sec-Fetch-Site: same-site")]
    [InlineData("POST", "Content-Type: application/json", "Origin: http://127.0.0.1", "Sec-Fetch-Site: same-site")]
    [InlineData("POST", "Content-Type: application/json", "Host: evil.example:PORT", "Origin: http://evil.example:PORT", "Sec-Fetch-Site: same-origin")]
    [InlineData("GET", "Host: evil.example:PORT", "Sec-Fetch-Site: same-origin")]
    [InlineData("GET", "Host: evil.example")]
    [InlineData("GET", "Host: localhost.evil.example:PORT")]
    [InlineData("GET", "Host: 127.0.0.1.evil.example:PORT")]
    [InlineData("GET", "Host: 127.0.0.1:1")]
    [InlineData("GET", "Host: 10.1.2.3:PORT")]
    public async Task A_foreign_page_is_refused(string method, params string[] headers)
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(access: o => o.Origins = ["https://good.example"]);
        foreach (string path in (string[])["/free", "/v1/models", "/vai/sessions", "/health"])
        {
            using HttpResponseMessage response = await SendAsync(host, method, path, headers);
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
            Assert.DoesNotContain(response.Headers, h => h.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            string message = (path[1] == 'v' && path[2] == 'a' ? json.RootElement : json.RootElement.GetProperty("error")).GetProperty("message").GetString()!;
            Assert.Contains(headers.Any(h => h.StartsWith("Host", StringComparison.Ordinal)) ? "--http-host" : "--cors", message);
        }

        Assert.Equal(0, host.Reached);
    }

    [Theory]
    [InlineData("POST", "Content-Type: text/plain")]
    [InlineData("PUT", "Content-Type: application/x-www-form-urlencoded")]
    [InlineData("POST")]
    [InlineData("POST", "Content-Type: text/plain", "Origin: https://good.example")]
    public async Task A_body_that_is_no_json_is_refused(string method, params string[] headers)
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(access: o => o.Origins = ["https://good.example"]);
        using HttpResponseMessage response = await SendAsync(host, method, "/free", headers);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("application/json", await response.Content.ReadAsStringAsync());
        Assert.Equal(0, host.Reached);
    }

    [Theory]
    [InlineData("POST", "Content-Type: application/json")]
    [InlineData("POST", "Content-Type: application/json; charset=utf-8", "Host: localhost:PORT")]
    [InlineData("GET", "Host: LOCALHOST")]
    [InlineData("GET", "Host: [::1]:PORT")]
    [InlineData("GET", "Host: 127.0.0.1")]
    [InlineData("GET", "Host: named.example:PORT")]
    [InlineData("GET", "Host: proxied.example:443")]
    [InlineData("GET", "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate")]
    [InlineData("POST", "Content-Type: application/json", "Host: localhost:PORT", "Origin: http://localhost:PORT", "Sec-Fetch-Site: same-origin")]
    [InlineData("DELETE")]
    public async Task Programs_and_own_pages_are_let_in(string method, params string[] headers)
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(access: o => o.Hosts = ["named.example", "proxied.example:443"]);
        using HttpResponseMessage response = await SendAsync(host, method, "/free", headers);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(1, host.Reached);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task A_named_origin_asks_and_reads()
    {
        const string Good = "Origin: https://good.example";
        await using AdmissionHost host = await AdmissionHost.StartAsync(keys: ["secret"], access: o => o.Origins = ["https://good.example"]);

        // A browser asks without the key.
        using HttpResponseMessage asked = await SendAsync(
            host, "OPTIONS", "/v1/chat/completions", Good, "Access-Control-Request-Method: POST", "Sec-Fetch-Site: cross-site",
            "Access-Control-Request-Headers: authorization,content-type,x-stainless-os", "Access-Control-Request-Private-Network: true");
        Assert.Equal(HttpStatusCode.NoContent, asked.StatusCode);
        Assert.Equal("https://good.example", Header(asked, "Access-Control-Allow-Origin"));
        Assert.Contains("POST", Header(asked, "Access-Control-Allow-Methods"));
        Assert.Equal("authorization,content-type,x-stainless-os", Header(asked, "Access-Control-Allow-Headers"));
        Assert.Equal("true", Header(asked, "Access-Control-Allow-Private-Network"));
        Assert.Contains("Origin", Header(asked, "Vary"));
        Assert.Equal(0, host.Reached);

        // It reads errors too.
        using HttpResponseMessage keyless = await SendAsync(host, "POST", "/free", Good, "Content-Type: application/json", "Sec-Fetch-Site: cross-site");
        Assert.Equal(HttpStatusCode.Unauthorized, keyless.StatusCode);
        Assert.Equal("https://good.example", Header(keyless, "Access-Control-Allow-Origin"));
        using HttpResponseMessage answered = await SendAsync(
            host, "POST", "/free", Good, "Content-Type: application/json", "Sec-Fetch-Site: cross-site", "Authorization: Bearer secret");
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        Assert.Equal("https://good.example", Header(answered, "Access-Control-Allow-Origin"));
        Assert.Contains("x-request-id", Header(answered, "Access-Control-Expose-Headers"));
        Assert.Contains("x-vai-ignored", Header(answered, "Access-Control-Expose-Headers"));
        Assert.Equal("Origin", Header(answered, "Vary"));
        Assert.Equal(1, host.Reached);
        using HttpResponseMessage other = await SendAsync(
            host, "OPTIONS", "/free", "Origin: https://good.example.evil.example", "Access-Control-Request-Method: POST");
        Assert.Equal(HttpStatusCode.Forbidden, other.StatusCode);
    }

    [Fact]
    public async Task Vais_own_api_is_on_tcp_for_admins_alone_and_only_where_it_was_asked_for()
    {
        string[] keys = ["plain", "reader use r-key", "boss admin b-key"];
        foreach (bool asked in (bool[])[false, true])
        {
            await using AdmissionHost host = await AdmissionHost.StartAsync(keys: keys, access: o => o.HttpAdmin = asked);
            foreach ((string key, bool admin) in ((string, bool)[])[("plain", false), ("r-key", false), ("b-key", true)])
            {
                foreach (string path in (string[])["/vai/sessions", "/%76ai/sessions", "/VAI/sessions", "/vai"])
                {
                    using HttpResponseMessage response = await SendAsync(host, "GET", path, "Authorization: Bearer " + key);
                    Assert.Equal(asked && admin ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
                    Assert.Equal(asked && admin, !(await response.Content.ReadAsStringAsync()).Contains("--http-admin"));
                }

                Assert.Equal(HttpStatusCode.OK, (await SendAsync(host, "GET", "/free", "Authorization: Bearer " + key)).StatusCode);
            }

            Assert.Equal(HttpStatusCode.OK, (await host.Local.GetAsync("/vai/sessions")).StatusCode);
        }

        await using AdmissionHost keyless = await AdmissionHost.StartAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(keyless, "GET", "/vai/sessions")).StatusCode);
        Assert.Equal(
            VaiError.InvalidOption, (await Assert.ThrowsAsync<VaiUsageException>(() => AdmissionHost.StartAsync(access: o => o.HttpAdmin = true))).Code);
        Assert.Contains(
            "role admin",
            (await Assert.ThrowsAsync<VaiUsageException>(() => AdmissionHost.StartAsync(keys: ["plain"], access: o => o.HttpAdmin = true))).Message);
    }

    [Fact]
    public async Task Keys_are_read_again_when_the_file_changes_and_kept_when_it_is_broken()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(keys: ["first use first-key"]);
        Assert.Equal("key:first", await TextAsync("first-key"));
        await File.WriteAllTextAsync(host.KeyFile, "second use second-key\nshared use second-other-key\n");
        Assert.Null(await TextAsync("first-key"));
        Assert.Equal("key:second", await TextAsync("second-key"));

        // As an editor writes it, or a secret is mounted.
        string other = host.KeyFile + ".new";
        await File.WriteAllTextAsync(other, "third use third-key-of-another-length\n");
        File.SetUnixFileMode(other, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(other, host.KeyFile, overwrite: true);
        Assert.Equal("key:third", await TextAsync("third-key-of-another-length"));
        foreach (string broken in (string[])["", "two words\n", "a b c d\n", "id boss key\n", "i/d use key\n", "a use k\na admin k2\n", "a use k\nb use k\n"])
        {
            await File.WriteAllTextAsync(host.KeyFile, broken);
            Assert.Equal("key:third", await TextAsync("third-key-of-another-length"));
            Assert.Contains(host.Log, l => l.Contains("stay as they were") && l.Contains(host.KeyFile));
            host.Log.Clear();
        }

        File.Delete(host.KeyFile);
        Assert.Equal("key:third", await TextAsync("third-key-of-another-length"));
        Assert.Contains(host.Log, l => l.Contains("There is no API key file"));

        async Task<string?> TextAsync(string key)
        {
            using HttpResponseMessage response = await SendAsync(host, "GET", "/free", "Authorization: Bearer " + key);
            return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync() : null;
        }
    }

    [Theory]
    [InlineData(null, "address:127.0.0.1")]
    [InlineData("1.2.3.4", "address:1.2.3.4")]
    [InlineData("9.9.9.9, 1.2.3.4", "address:1.2.3.4")]
    [InlineData("1.2.3.4, 10.1.1.1", "address:1.2.3.4")]
    [InlineData("1.2.3.4:5678, 10.1.1.1", "address:1.2.3.4")]
    [InlineData("[2001:db8::1]:5678", "address:2001:db8::1")]
    [InlineData("1.2.3.4, nonsense", "address:127.0.0.1")]
    public async Task Behind_a_trusted_proxy_clients_are_told_apart(string? forwarded, string client)
    {
        string[] headers = forwarded is null ? [] : ["X-Forwarded-For: " + forwarded];
        await using AdmissionHost trusting = await AdmissionHost.StartAsync(
            access: o => o.TrustedProxies = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8")]);
        Assert.Equal(client, await (await SendAsync(trusting, "GET", "/free", headers)).Content.ReadAsStringAsync());
        await using AdmissionHost wary = await AdmissionHost.StartAsync();
        Assert.Equal("address:127.0.0.1", await (await SendAsync(wary, "GET", "/free", headers)).Content.ReadAsStringAsync());
    }

    private static async Task<HttpResponseMessage> SendAsync(AdmissionHost host, string method, string path, params string[] headers)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(host.Address, path));
        if (method is "POST" or "PUT")
            request.Content = new ByteArrayContent("{}"u8.ToArray());
        foreach (string header in headers.Select(h => h.Replace("PORT", $"{host.Address.Port}", StringComparison.Ordinal)))
        {
            (string name, string value) = (header[..header.IndexOf(':')], header[(header.IndexOf(':') + 2)..]);
            if (name == "Content-Type")
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            else
                Assert.True(request.Headers.TryAddWithoutValidation(name, value), header);
        }

        return await http.SendAsync(request);
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));
}
