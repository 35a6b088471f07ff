using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Admission;

[assembly: SupportedOSPlatform("linux")]

namespace VAI.Daemon.Tests.Admission;

/// <summary>Kestrel on a Unix socket and on TCP, whose requests compute for as long as a test lets them.</summary>
internal sealed class AdmissionHost : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-admission-");
    private readonly Channel<Computing> _computing = Channel.CreateUnbounded<Computing>();
    private WebApplication _app = null!;

    public AdmissionGate Gate => _app.Services.GetRequiredService<AdmissionGate>();

    /// <summary>A client on the Unix socket, which is this process.</summary>
    public HttpClient Local { get; private set; } = null!;

    public string KeyFile => Path.Combine(_directory.FullName, "keys");

    public static async Task<AdmissionHost> StartAsync(Action<AdmissionOptions>? configure = null, string[]? keys = null, TimeProvider? time = null)
    {
        var host = new AdmissionHost();
        var options = new AdmissionOptions();
        configure?.Invoke(options);
        if (keys is not null)
        {
            await File.WriteAllLinesAsync(host.KeyFile, keys);
            File.SetUnixFileMode(host.KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        string socket = Path.Combine(host._directory.FullName, "s");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (time is not null)
            builder.Services.AddSingleton(time);
        builder.Services.AddAdmission(o =>
        {
            o.RefusalDelay = TimeSpan.Zero;
            configure?.Invoke(o);
            o.ApiKeyFile = keys is null ? null : host.KeyFile;
        });
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.ConfigureKestrelLimits(options);
            k.ListenUnixSocket(socket);
            k.Listen(System.Net.IPAddress.Loopback, 0);
        });
        host._app = builder.Build();
        host._app.UseAdmission();
        host._app.Run(host.AnswerAsync);
        await host._app.StartAsync();
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var s = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await s.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(s, ownsSocket: true);
            },
        };
        host.Local = new HttpClient(handler) { BaseAddress = new Uri("http://vai") };
        return host;
    }

    /// <summary>A client on TCP.</summary>
    public HttpClient Tcp(string? key = null, string header = "Authorization")
    {
        string address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(a => !a.Contains("unix"));
        var client = new HttpClient { BaseAddress = new Uri(address) };
        if (key is not null)
            client.DefaultRequestHeaders.Add(header, header == "Authorization" ? "Bearer " + key : key);
        return client;
    }

    /// <summary>The next request that was let in to compute.</summary>
    public async Task<Computing> NextAsync() => await _computing.Reader.ReadAsync();

    /// <summary>Ends once so many requests wait.</summary>
    public async Task WaitingAsync(int requests)
    {
        while (Gate.Waiting != requests)
            await Task.Yield();
    }

    public async ValueTask DisposeAsync()
    {
        Local.Dispose();
        await _app.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new StreamReader(context.Request.Body);
        string text = await body.ReadToEndAsync(context.RequestAborted);
        if (context.Request.Path.StartsWithSegments("/free"))
        {
            await context.Response.WriteAsync(Peer.IsLocal(context) ? Peer.Local(context) : Peer.Address(context));
            return;
        }

        var computing = new Computing(text, new TaskCompletionSource());
        await _computing.Writer.WriteAsync(computing);
        await computing.Done.Task.WaitAsync(context.RequestAborted);
        await context.Response.WriteAsync("done " + text);
    }
}

/// <summary>A request that computes until a test ends it.</summary>
internal sealed record Computing(string Text, TaskCompletionSource Done);
