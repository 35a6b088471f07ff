using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using VAI.Daemon.Supervision;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Link;

namespace VAI.Daemon.Tests.Supervision;

/// <summary>When the process that stands by is started: a start takes the cores of those who are served.</summary>
public sealed class StandbyTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly SupervisionOptions Options = new() { Quiet = TimeSpan.FromMilliseconds(20) };

    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _serves = true;
    private int _asks;

    [Fact]
    public async Task Not_while_somebody_is_served()
    {
        await using Standby standby = Make();
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], Long, CancellationToken.None);
        await _asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(_started.Task.IsCompleted);
        _serves = false;
        await _started.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Not_for_ever()
    {
        await using Standby standby = Make();
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], TimeSpan.FromMilliseconds(100), CancellationToken.None);
        await _started.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Who_needs_one_does_not_wait_for_it()
    {
        await using Standby standby = Make();
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], Long, CancellationToken.None);
        Assert.Null(await standby.TakeAsync().WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.False(_started.Task.IsCompleted);
    }

    [Fact]
    public async Task One_that_answers_nothing_keeps_nobody_from_stopping()
    {
        string place = Directory.CreateTempSubdirectory("vai").FullName;
        using var stop = new CancellationTokenSource();
        Silent? silent = null;
        var standby = new Standby(
            () =>
            {
                var engine = EngineProcess.Start(new WorkerCommand("/bin/sh", ["-c", "exec cat"]), new WorkerConfig(), 1, place, (_, _) => { });
                silent = new Silent(Path.Combine(place, "1.sock"));
                _started.SetResult();
                return engine;
            },
            () => false,
            Options,
            NullLogger.Instance);
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], TimeSpan.Zero, stop.Token);
        await _started.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await silent!.Asked.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await standby.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        Directory.Delete(place, recursive: true);
    }

    /// <summary>An engine's side of a link, in place of the process: it greets, and answers nothing that it is asked.</summary>
    private sealed class Silent : ILinkSide
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Silent(string path)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(path));
            var connection = new LinkConnection(socket, this);
            connection.Start();
            connection.Send(LinkKind.Hello, 0, LinkHello.Mine.ToBytes());
        }

        public Task Asked => _asked.Task;

        public void Take(LinkHeader header, ReadOnlySpan<byte> payload)
        {
            if (header.Kind is LinkKind.Call)
                _asked.TrySetResult();
        }

        public void Taken()
        {
        }

        public void Ended(LinkEndedException reason)
        {
        }
    }

    // No process is needed to see when one would be started.
    private Standby Make() => new(
        () =>
        {
            _started.TrySetResult();
            throw new InvalidOperationException("There is none.");
        },
        () =>
        {
            // For many times the quiet that would be enough.
            if (Interlocked.Increment(ref _asks) == 100)
                _asked.TrySetResult();
            return _serves;
        },
        Options,
        NullLogger.Instance);
}
