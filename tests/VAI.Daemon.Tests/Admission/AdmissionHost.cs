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
using VAI.Daemon.Access;
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

    public ConnectionGuard Connections => _app.Services.GetRequiredService<ConnectionGuard>();

    /// <summary>A client on the Unix socket, which is this process.</summary>
    public HttpClient Local { get; private set; } = null!;

    /// <summary>Where it listens over TCP.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(a => !a.Contains("unix")));

    /// <summary>Requests that came through.</summary>
    public int Reached;

    /// <summary>Warnings and errors.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Log { get; } = new();

    public string KeyFile => Path.Combine(_directory.FullName, "keys");

    public static async Task<AdmissionHost> StartAsync(
        Action<AdmissionOptions>? configure = null, string[]? keys = null, Action<AccessOptions>? access = null, TimeProvider? time = null)
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
        builder.Logging.ClearProviders().AddProvider(new Recorder(host.Log));
        if (time is not null)
            builder.Services.AddSingleton(time);
        builder.Services.AddAccess(o =>
        {
            o.ApiKeyFile = keys is null ? null : host.KeyFile;
            access?.Invoke(o);
        });
        builder.Services.AddAdmission(o =>
        {
            o.RefusalDelay = TimeSpan.Zero;
            configure?.Invoke(o);
        });
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.ConfigureKestrelLimits(options);
            k.ListenUnixSocket(socket);
            k.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.UseConnectionGuard());
        });
        host._app = builder.Build();
        host._app.UseAccess();
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
        var client = new HttpClient(new Json()) { BaseAddress = Address };
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

    private sealed class Recorder(System.Collections.Concurrent.ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                lines.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }

    // What is sent over TCP says that it is JSON.
    private sealed class Json() : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Content?.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/json");
            return base.SendAsync(request, cancellationToken);
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref Reached);
        if (context.Request.Path == "/free/keepalive")
        {
            Socket socket = context.Features.Get<Microsoft.AspNetCore.Connections.Features.IConnectionSocketFeature>()!.Socket;
            await context.Response.WriteAsync(
                $"keepalive {socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)} "
                + $"{socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)}");
            return;
        }

        using var body = new StreamReader(context.Request.Body);
        string text = await body.ReadToEndAsync(context.RequestAborted);
        if (context.Request.Path.StartsWithSegments("/free") || !HttpMethods.IsPost(context.Request.Method))
        {
            await context.Response.WriteAsync(Caller.Of(context).Client);
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
