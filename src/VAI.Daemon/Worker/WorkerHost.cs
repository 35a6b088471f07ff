using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting;
using VAI.Daemon.Supervision.Engines;
using VAI.Diagnostics;
using VAI.Native.Interop;
using VAI.Native.Memory;
using VAI.Sessions;

namespace VAI.Daemon.Worker;

/// <summary>
/// The engine process: an engine at the end of a link to its supervisor, and nothing else. It ends when its standard input does, which is
/// when the supervisor ends, whatever it is doing.
/// </summary>
internal static class WorkerHost
{
    /// <param name="socket">Where the supervisor waits for it.</param>
    /// <param name="config">What it is told.</param>
    public static async Task<int> RunAsync(string socket, WorkerConfig config)
    {
        LibcNative.umask(0b_000_111_111);

        // The kernel frees what this process has; there is nothing to put right, as it may be killed at any instant anyway.
        new Thread(EndWithInput) { IsBackground = true, Name = "supervisor's end" }.Start();

        // A terminal signals the whole group, and the supervisor has requests to drain.
        using var ignored = new StopSignals(static () => { });
        using ILoggerFactory log = LoggerFactory.Create(HostLog.Configure);
        try
        {
            OomScore.Raise();

            // Mapped for as long as the process is: the pipeline's thread outlives whatever goes wrong here.
            ProgressPage? page = config.ProgressPage is { } path ? ProgressPage.Attach(path) : null;
            FileLock.Waits = page is null ? null : page.Move;
            IVai vai = Vai.Create(
                new VaiOptions
                {
                    RomDirectory = config.RomDirectory,
                    Threads = config.Threads,
                    FixedThreads = config.FixedThreads,
                    Share = config.Share,
                    Nice = config.Nice,
                    BatchScheduling = config.BatchScheduling,
                    VramLimit = config.VramLimit,
                    NativeDirectory = config.NativeDirectory,
                    StashDirectory = config.StashDirectory,
                    Progress = page,
                },
                log);
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            connection.Connect(new UnixDomainSocketEndPoint(socket));
            using var calls = new LinkCalls(vai, vai as IPreparable);
            using var server = new LinkServer(connection, calls);
            server.Start();

            // Without a supervisor there is nothing to do, and nothing to put right.
            string reason = (await server.Ended.ConfigureAwait(false)).Message;
            log.CreateLogger("VAI.Worker").LinkEnded(reason);
            LibcNative._exit(0);
            return 0;
        }
        catch (Exception e) when (e is VaiException or SocketException)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
    }

    private static void EndWithInput()
    {
        using Stream input = Console.OpenStandardInput();
        Span<byte> buffer = stackalloc byte[256];
        while (input.Read(buffer) > 0)
        {
            // The supervisor says nothing.
        }

        LibcNative._exit(0);
    }
}
