using System.Net.Sockets;
using VAI.Daemon.Supervision;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Daemon.Worker;
using VAI.Remote.Wire;
using VAI.Sessions;

namespace VAI.Daemon.Tests.Supervision.Link;

/// <summary>Both sides of a link in this process, over a real socket, with an engine behind it. It can be cut, and another engine put there.</summary>
internal sealed class LinkRig : IEngines, IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _behind = [];
    private TaskCompletionSource<EngineLink> _link = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Action<string, WireModel?>? ModelChanged { get; set; }

    public EngineLink Link => _link.Task.Result;

    /// <summary>Two sockets that are each other's other side.</summary>
    public static (Socket One, Socket Other) Pair(string path)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var one = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        one.Connect(new UnixDomainSocketEndPoint(path));
        Socket other = listener.Accept();
        File.Delete(path);
        return (one, other);
    }

    public static async Task<EngineLink> ConnectAsync(string path, IVai engine)
    {
        (Socket one, Socket other) = Pair(path);
        var server = new LinkServer(other, new LinkCalls(engine, engine as IPreparable));
        server.Start();
        return await EngineLink.GreetAsync(one, null, default);
    }

    /// <summary>From now on requests go to this engine.</summary>
    public async Task ServeAsync(string path, IVai engine)
    {
        _behind.Add(engine);
        EngineLink link = await ConnectAsync(path, engine);
        link.OnEnd = (_, _) => _link = new TaskCompletionSource<EngineLink>(TaskCreationOptions.RunContinuationsAsynchronously);
        _link.SetResult(link);
    }

    public async ValueTask<EngineStay> EnterAsync(Request request, CancellationToken cancellationToken) =>
        new(await _link.Task.WaitAsync(cancellationToken), null);

    public async ValueTask DisposeAsync()
    {
        if (_link.Task.IsCompletedSuccessfully)
        {
            Link.OnEnd = null;
            Link.Dispose();
        }

        foreach (IAsyncDisposable engine in _behind)
            await engine.DisposeAsync();
    }
}
