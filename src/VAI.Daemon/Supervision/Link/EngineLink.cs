using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision.Link;

/// <summary>
/// The supervisor's side of a link to one engine process, and no other. What is asked over it ends with an answer, an error, or
/// <see cref="LinkEndedException"/>.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed partial class EngineLink : ILinkSide, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Exchange> _open = [];
    private readonly ConcurrentQueue<Transfer> _told = new();
    private readonly List<TaskCompletionSource> _pinging = [];
    private readonly TaskCompletionSource<LinkHello> _hello = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LinkConnection _connection;
    private LinkEndedException? _end;
    private ulong _ids;
    private ulong _sessions;
    private long _answered;
    private long _pings;
    private long _pongs;

    private EngineLink(Socket socket) => _connection = new LinkConnection(socket, this);

    /// <summary>
    /// Called when it has ended, before those who have asked are told: with what was being asked. So nobody of them comes back and finds
    /// this link still in its place.
    /// </summary>
    public Action<IReadOnlyList<Exchange>, LinkEndedException>? OnEnd { get; set; }

    /// <summary>Ends with the link.</summary>
    public Task Ended => _ended.Task;

    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>Moves with whatever is received.</summary>
    public long Received => _connection.Received;

    /// <summary>Requests that were answered, with whatever.</summary>
    public long AnsweredRequests => Volatile.Read(ref _answered);

    /// <summary>Whether a ping was sent that was not answered.</summary>
    public bool IsPinged => Volatile.Read(ref _pings) != Volatile.Read(ref _pongs);

    /// <summary>Whether anything is asked.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_gate)
                return _open.Count > 0;
        }
    }

    /// <summary>Whether something is asked that the engine answers by itself, without a turn of the pipeline.</summary>
    public bool IsAsked
    {
        get
        {
            lock (_gate)
                return _open.Values.Any(e => e.IsPrompt);
        }
    }

    /// <summary>Greets who is on the other side.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.EngineLost"/>: it is of another build, or no engine.</exception>
    public static async Task<EngineLink> GreetAsync(Socket socket, Action<IReadOnlyList<Exchange>, LinkEndedException>? onEnd, CancellationToken cancellationToken)
    {
        var link = new EngineLink(socket) { OnEnd = onEnd };
        link._connection.Start();
        link._connection.Send(LinkKind.Hello, 0, LinkHello.Mine.ToBytes());
        try
        {
            LinkHello other = await link._hello.Task.WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
            LinkHello.Mine.Match(other);
            return link;
        }
        catch (Exception e)
        {
            link.Dispose();
            throw e is LinkEndedException or TimeoutException
                ? new VaiEngineException(VaiError.EngineLost, $"The engine process did not greet ({e.Message}).", e)
                : e;
        }
    }

    /// <summary>A number for a session, used once.</summary>
    public ulong NextSession() => Interlocked.Increment(ref _sessions);

    public void Ping()
    {
        long ping = Interlocked.Increment(ref _pings);
        _connection.Send(LinkKind.Ping, (ulong)ping, default);
    }

    /// <summary>Pings, and ends with the answer to this or a later ping. Fails with the link.</summary>
    public Task PingAsync()
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_end is not null)
                return Task.FromException(_end);
            _pinging.Add(answered);
        }

        Ping();
        return answered.Task;
    }

    /// <summary>Asks, and reads the answer's document.</summary>
    public async Task<TAnswer> CallAsync<TBody, TAnswer>(
        CallHead head, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken,
        Request? request = null, IProgress<WireLoadEvent>? progress = null, IReadOnlyList<string>? loading = null)
    {
        byte[] answer = await CallAsync(head, body, bodyType, cancellationToken, request, progress, loading).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize(answer, type) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            _connection.End($"an answer to {head.Method} came that is none ({e.Message})");
            throw new LinkEndedException($"an answer to {head.Method} came that is none", e);
        }
    }

    /// <summary>Asks, and waits for the answer.</summary>
    public async Task<byte[]> CallAsync<TBody>(
        CallHead head, TBody body, JsonTypeInfo<TBody> bodyType, CancellationToken cancellationToken, Request? request = null,
        IProgress<WireLoadEvent>? progress = null, IReadOnlyList<string>? loading = null)
    {
        cancellationToken.ThrowIfCancellationRequested();
        byte[] document = JsonSerializer.SerializeToUtf8Bytes(body, bodyType);
        var call = new Call(this, NextId(), head.Method, request, progress, loading);
        Add(call);
        Send(LinkKind.Call, call.Id, head, document);
        using (cancellationToken.UnsafeRegister(static (c, token) => ((Call)c!).Cancel(token), call))
            return await call.Answer.ConfigureAwait(false);
    }

    /// <summary>Begins a transaction.</summary>
    public Transfer Infer(ulong session, int credit, WireInfer infer, Request? request)
    {
        byte[] document = JsonSerializer.SerializeToUtf8Bytes(infer, WireJson.Default.WireInfer);
        var transfer = new Transfer(this, NextId(), credit, request, tokenizes: infer.Text is not null);
        Add(transfer);
        Send(LinkKind.Infer, transfer.Id, new CallHead(LinkMethod.None, (uint)credit, session), document);
        return transfer;
    }

    /// <summary>Tells the engine that nobody needs a session any more, and waits for nothing.</summary>
    public void Forget(ulong session) => Send(LinkKind.Call, NextId(), new CallHead(LinkMethod.Close, 0, session), "{}"u8.ToArray());

    /// <summary>Has the engine unload a model that it may not have.</summary>
    public Task UnloadAsync(string name, CancellationToken cancellationToken) => CallAsync(
        new CallHead(LinkMethod.Unload, 0, 0), new WireUnload(name), WireJson.Default.WireUnload, cancellationToken);

    /// <summary>Waits for a call that opens a session. Where that is given up the engine may have opened it all the same, and is told to close it.</summary>
    /// <param name="session">The session's number, which is nobody's yet.</param>
    /// <param name="call">The call.</param>
    public async Task<T> OpeningAsync<T>(ulong session, Task<T> call)
    {
        try
        {
            return await call.ConfigureAwait(false);
        }
        catch
        {
            Forget(session);
            throw;
        }
    }

    /// <summary>Has the link read on though one who reads updates blocks its thread.</summary>
    public void Relieve(TimeSpan after) => _connection.Relieve(after);

    /// <summary>Ends it; what is asked ends with it.</summary>
    public void End(string reason) => _connection.End(reason);

    public void Dispose() => _connection.Dispose();

    internal void Cancel(ulong id) => _connection.Send(LinkKind.Cancel, id, default);

    internal void Grant(ulong id, int updates)
    {
        Span<byte> count = stackalloc byte[sizeof(uint)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(count, (uint)updates);
        _connection.Send(LinkKind.Credit, id, count);
    }

    internal void Remove(Exchange exchange)
    {
        lock (_gate)
            _open.Remove(exchange.Id);
    }

    void ILinkSide.Take(LinkHeader header, ReadOnlySpan<byte> payload)
    {
        switch (header.Kind)
        {
            case LinkKind.Hello:
                if (!_hello.TrySetResult(LinkHello.Read(payload)))
                    throw new LinkEndedException("a second greeting came");
                return;
            case LinkKind.Pong:
                Answered((long)header.Id, null);
                return;
            case LinkKind.Ping:
                _connection.Send(LinkKind.Pong, header.Id, default);
                return;
            case LinkKind.Call or LinkKind.Infer or LinkKind.Credit or LinkKind.Cancel:
                throw new LinkEndedException($"a frame {header.Kind} came, which an engine does not send");
            default:
                break;
        }

        Exchange? exchange;
        lock (_gate)
            exchange = _open.GetValueOrDefault(header.Id);

        // Of one that was given up an answer may still be on its way.
        if (exchange is null)
            return;
        exchange.Silent = 0;
        if (exchange.Take(header.Kind, payload))
        {
            Remove(exchange);
            if (exchange.Request is not null)
                Interlocked.Increment(ref _answered);
        }

        if (exchange is Transfer transfer)
            _told.Enqueue(transfer);
    }

    void ILinkSide.Taken()
    {
        while (_told.TryDequeue(out Transfer? transfer))
            transfer.Tell();
    }

    void ILinkSide.Ended(LinkEndedException reason)
    {
        Exchange[] lost;
        lock (_gate)
        {
            _end = reason;
            lost = [.. _open.Values];
            _open.Clear();
        }

        _hello.TrySetException(reason);
        _ = _hello.Task.Exception;
        Answered(Volatile.Read(ref _pings), reason);
        OnEnd?.Invoke(lost, reason);
        _ended.TrySetResult();
        foreach (Exchange exchange in lost)
            exchange.Lose(reason);
    }

    // Whoever waits for any ping is told by the first answer: that it lives is all that he wants to know.
    private void Answered(long ping, Exception? error)
    {
        Volatile.Write(ref _pongs, ping);
        TaskCompletionSource[] waiting;
        lock (_gate)
        {
            waiting = [.. _pinging];
            _pinging.Clear();
        }

        foreach (TaskCompletionSource one in waiting)
        {
            if (error is null)
                one.TrySetResult();
            else if (one.TrySetException(error))
                _ = one.Task.Exception;
        }
    }

    private ulong NextId() => Interlocked.Increment(ref _ids);

    private void Add(Exchange exchange)
    {
        lock (_gate)
        {
            if (_end is not null)
                throw _end;
            _open.Add(exchange.Id, exchange);
        }
    }

    private void Send(LinkKind kind, ulong id, CallHead head, byte[] document)
    {
        Span<byte> first = stackalloc byte[CallHead.Bytes];
        head.Write(first);
        _connection.Send(kind, id, first, document);
    }
}
