using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Hosting.Sockets;

/// <summary>
/// How bytes come from a socket to a request, and back. A token's way is written for: the thread that reads the engine's link sends it, and what
/// the kernel says of the socket afterwards (that it can be written to again, for every piece that its reader takes) is looked at by the thread
/// that it is said to, rather than by one that is woken for it: half of what a token costs the daemon. So these threads must never be kept:
/// a request's own work is on the pool's.
/// </summary>
internal static class InlineTransport
{
    // Names of .NET's own, and what a daemon wants of them. One thread is woken less often than several for what happens at the same time.
    private static readonly (string Name, string Value)[] Wanted =
        [("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"), ("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1")];

    // Bytes that a connection may send ahead of being read: new memory for each of them, all at once where many send large bodies.
    private const long MostAhead = 64 << 10;

    /// <summary>
    /// Has sockets of this process run what waits for them on the one thread that waits for the kernel. To be called before the first socket, by a program
    /// that is nothing but a daemon: .NET knows these as variables of the environment, which are left as they are where they are set.
    /// </summary>
    public static void CompleteInline()
    {
        foreach ((string name, string value) in Wanted.Where(w => Environment.GetEnvironmentVariable(w.Name) is null))
            Environment.SetEnvironmentVariable(name, value);
    }

    /// <summary>
    /// The thread that has received goes on with the request, and the one that has written sends: where compute threads hold the cores,
    /// each hand-over to another thread may wait for one. Called unsafe for handlers that block: <see cref="UsePool"/>.
    /// </summary>
    public static IServiceCollection AddInlineTransport(this IServiceCollection services) =>
        services.Configure<SocketTransportOptions>(o =>
        {
            o.UnsafePreferInlineScheduling = true;
            o.MaxReadBufferSize = MostAhead;
        });

    /// <summary>What is behind this runs on the pool, and goes on there after each wait for the body.</summary>
    public static void UsePool(this IApplicationBuilder app) => app.Use(next => async context =>
    {
        await ToPool();
        context.Request.Body = new Body(context.Request.Body);
        await next(context).ConfigureAwait(false);
    });

    private static System.Runtime.CompilerServices.ConfiguredTaskAwaitable ToPool() => Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    private sealed class Body(Stream body) : ReadStream
    {
        public override int Read(Span<byte> buffer) => body.Read(buffer);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ValueTask<int> read = body.ReadAsync(buffer, cancellationToken);
            return read.IsCompleted ? read : AwaitAsync(read);
        }

        private static async ValueTask<int> AwaitAsync(ValueTask<int> read)
        {
            try
            {
                return await read.ConfigureAwait(false);
            }
            finally
            {
                await ToPool();
            }
        }
    }
}
