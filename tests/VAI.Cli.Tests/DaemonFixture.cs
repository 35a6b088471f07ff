using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Api;

namespace VAI.Cli.Tests;

/// <summary>A daemon's API in this process: an engine with two tiny models, of which one is loaded, on a Unix socket.</summary>
public sealed class DaemonFixture : IAsyncLifetime
{
    private readonly Forged _forged = new();
    private IVai _vai = null!;
    private WebApplication _app = null!;

    public string Socket => _forged.At("s");

    public string A => _forged.A;

    /// <summary>The engine itself.</summary>
    public IVai Engine => _vai;

    /// <summary>Whether answers stop after their first event, until their client hangs up.</summary>
    public bool Holds { get; set; }

    /// <summary>A client, as any other process is one.</summary>
    public IVai Client() => Vai.Create(new VaiOptions { DaemonSocket = Socket });

    public async Task InitializeAsync()
    {
        await _forged.InitializeAsync();
        _vai = Vai.Create(o =>
        {
            o.AddModel("a", _forged.A).AddModel("b", _forged.B);
            o.RomDirectory = VaiProcess.NewRomDirectory();
            o.Threads = 1;
        });
        await _vai.LoadAsync("a");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_ => new SessionTable());
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket));
        _app = builder.Build();
        _app.Use(next => context =>
        {
            if (Holds && context.Request.Path.Value!.EndsWith("/infer", StringComparison.Ordinal))
                context.Response.Body = new HeldBody(context);
            return next(context);
        });
        _app.MapVai(_vai, _app.Services.GetRequiredService<SessionTable>());
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _vai.DisposeAsync();
        await _forged.DisposeAsync();
    }

    /// <summary>A body whose first token arrives and the rest does not.</summary>
    private sealed class HeldBody(HttpContext context) : Stream
    {
        private readonly Stream _body = context.Response.Body;
        private readonly CancellationToken _aborted = context.RequestAborted;
        private bool _holds;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => _body.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => _body.FlushAsync(cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_holds)
                await Task.Delay(Timeout.Infinite, _aborted);
            await _body.WriteAsync(buffer, cancellationToken);
            _holds = buffer.Span.IndexOf("\"token\""u8) >= 0;
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

[CollectionDefinition(Name)]
public sealed class DaemonCollection : ICollectionFixture<DaemonFixture>
{
    public const string Name = "daemon";
}
