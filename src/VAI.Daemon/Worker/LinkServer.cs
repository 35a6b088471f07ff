using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VAI.Daemon.Supervision.Link;
using VAI.Remote.Wire;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Daemon.Worker;

/// <summary>
/// The engine's side of its link: calls and transactions to an engine. Whoever is on the other side has checked what it sends. Sessions are
/// numbered by the supervisor and end with the link, as all that is running does.
/// </summary>
internal sealed class LinkServer : ILinkSide, IDisposable
{
    // A prompt that is longer is read, and made tokens, on another thread than the one that reads the link.
    private const int Inline = 16 << 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, CancellationTokenSource> _running = [];
    private readonly Dictionary<ulong, Serving> _serving = [];
    private readonly TaskCompletionSource<LinkEndedException> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LinkConnection _connection;
    private readonly LinkCalls _calls;
    private bool _greeted;

    /// <param name="socket">Connected to the supervisor.</param>
    /// <param name="calls">Who does what is asked.</param>
    public LinkServer(Socket socket, LinkCalls calls)
    {
        _calls = calls;
        _connection = new LinkConnection(socket, this);
    }

    /// <summary>Ends with the link, and says why.</summary>
    public Task<LinkEndedException> Ended => _ended.Task;

    /// <summary>Greets, and answers from then on.</summary>
    public void Start()
    {
        _connection.Start();
        _connection.Send(LinkKind.Hello, 0, LinkHello.Mine.ToBytes());
    }

    public void Dispose() => _connection.Dispose();

    void ILinkSide.Take(LinkHeader header, ReadOnlySpan<byte> payload)
    {
        if (!_greeted && header.Kind is not LinkKind.Hello)
            throw new LinkEndedException($"a frame {header.Kind} came before the greeting");
        switch (header.Kind)
        {
            case LinkKind.Hello:
                _ = LinkHello.Read(payload);
                _greeted = true;
                break;
            case LinkKind.Ping:
                _connection.Send(LinkKind.Pong, header.Id, default);
                break;
            case LinkKind.Pong:
                break;
            case LinkKind.Cancel:
                Cancel(header.Id);
                break;
            case LinkKind.Credit when payload.Length == sizeof(uint):
                Grant(header.Id, MemoryMarshal.Read<uint>(payload));
                break;
            case LinkKind.Call:
                Call(header.Id, CallHead.Read(payload), payload[CallHead.Bytes..].ToArray());
                break;
            case LinkKind.Infer:
                Infer(header.Id, CallHead.Read(payload), payload[CallHead.Bytes..]);
                break;
            default:
                throw new LinkEndedException($"a frame {header.Kind} came, which a supervisor does not send");
        }
    }

    void ILinkSide.Taken()
    {
        // Each has been seen to as it came.
    }

    void ILinkSide.Ended(LinkEndedException reason)
    {
        CancellationTokenSource[] running;
        lock (_gate)
            running = [.. _running.Values];
        foreach (CancellationTokenSource one in running)
            one.Cancel();
        _ended.TrySetResult(reason);
    }

    private void Cancel(ulong id)
    {
        CancellationTokenSource? running;
        lock (_gate)
            running = _running.GetValueOrDefault(id);
        running?.Cancel();
    }

    private void Grant(ulong id, uint updates)
    {
        lock (_gate)
            _serving.GetValueOrDefault(id)?.Grant(updates);
    }

    private void Call(ulong id, CallHead head, byte[] document)
    {
        if (head.Method is LinkMethod.Unknown)
        {
            // Here and now: what was asked before it is known, and what was answered is on its way.
            Send(id, LinkKind.Answer, new WireIds(Unknown(document)), WireJson.Default.WireIds);
            return;
        }

        CancellationTokenSource cancel = Begin(id, null);
        _ = Task.Run(async () =>
        {
            try
            {
                byte[] answer = await _calls.DoAsync(head, document, e => Send(id, LinkKind.Event, e, WireJson.Default.WireLoadEvent), cancel.Token).ConfigureAwait(false);
                _connection.Send(LinkKind.Answer, id, answer);
            }
            catch (Exception e)
            {
                Send(id, LinkKind.Error, WireErrors.From(e), WireJson.Default.WireError);
            }
            finally
            {
                End(id);
            }
        });
    }

    private ulong[] Unknown(byte[] document)
    {
        IReadOnlyList<ulong> ids = JsonSerializer.Deserialize(document, WireJson.Default.WireIds)?.Ids ?? throw new LinkEndedException("ids came that are none");
        lock (_gate)
            return [.. ids.Where(id => !_running.ContainsKey(id))];
    }

    private void Infer(ulong id, CallHead head, ReadOnlySpan<byte> document)
    {
        if (Poison.Loses(document))
            return;
        var serving = new Serving((int)Math.Clamp(head.Credit, 1, int.MaxValue));
        CancellationTokenSource cancel = Begin(id, serving);
        if (document.Length > Inline)
        {
            byte[] copy = document.ToArray();
            _ = Task.Run(() => InferAsync(id, head.Session, Read(copy), serving, cancel.Token));
            return;
        }

        _ = InferAsync(id, head.Session, Read(document), serving, cancel.Token);
    }

    // Once there is memory for its buffers, a token allocates nothing here.
    private async Task InferAsync(ulong id, ulong session, WireInfer infer, Serving serving, CancellationToken cancellationToken)
    {
        try
        {
            Poison.Prompt(infer.Text);
            ServedSession served = await _calls.OpenAsync(session, infer.Open, infer.At, cancellationToken).ConfigureAwait(false);
            int before = served.Session.TokenCount;
            try
            {
                int[] prompt = infer.Tokens is { } tokens ? [.. tokens] : await TokenizeAsync(id, served, new TextPrompt(infer.Text ?? "", infer.Flips), cancellationToken).ConfigureAwait(false);
                IAsyncEnumerable<InferenceUpdate> updates = served.Session.ResumeAsync(
                    prompt, (int[])[.. infer.Generated ?? []], infer.Options ?? new InferenceOptions(), cancellationToken);
                InferenceUpdate last = default;
                await foreach (InferenceUpdate update in updates.ConfigureAwait(false))
                {
                    await serving.WaitAsync(cancellationToken).ConfigureAwait(false);
                    if (update.Result is null)
                        _connection.Send(id, update);
                    else
                        last = update;
                }

                // Now the session can be used again, which is what the end says.
                _connection.Send(id, last);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                _connection.Send(LinkKind.Stopped, id, MemoryMarshal.AsBytes(served.Since(before).AsSpan()));
            }
        }
        catch (Exception e)
        {
            Send(id, LinkKind.Error, WireErrors.From(e), WireJson.Default.WireError);
        }
        finally
        {
            End(id);
        }
    }

    private async ValueTask<int[]> TokenizeAsync(ulong id, ServedSession served, TextPrompt text, CancellationToken cancellationToken)
    {
        int[] prompt = await served.Session.PromptOfAsync(text, cancellationToken).ConfigureAwait(false);
        _connection.Send(LinkKind.Prompt, id, MemoryMarshal.AsBytes(prompt.AsSpan()));
        return prompt;
    }

    private static WireInfer Read(ReadOnlySpan<byte> document)
    {
        try
        {
            return JsonSerializer.Deserialize(document, WireJson.Default.WireInfer) ?? throw new LinkEndedException("a transaction came that is none");
        }
        catch (JsonException e)
        {
            throw new LinkEndedException($"a transaction came that is none ({e.Message})", e);
        }
    }

    private CancellationTokenSource Begin(ulong id, Serving? serving)
    {
        var cancel = new CancellationTokenSource();
        lock (_gate)
        {
            if (!_running.TryAdd(id, cancel))
                throw new LinkEndedException($"id {id} came twice");
            if (serving is not null)
                _serving.Add(id, serving);
        }

        return cancel;
    }

    // Not disposed: it may be cancelled at the same time, and has no timer.
    private void End(ulong id)
    {
        lock (_gate)
        {
            _running.Remove(id);
            _serving.Remove(id);
        }
    }

    private void Send<T>(ulong id, LinkKind kind, T document, JsonTypeInfo<T> type) =>
        _connection.Send(kind, id, JsonSerializer.SerializeToUtf8Bytes(document, type));

    /// <summary>How many updates the other side takes. One waits at a time.</summary>
    [SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle is not used holds nothing.")]
    private sealed class Serving(int credit)
    {
        private readonly SemaphoreSlim _credit = new(credit);

        public Task WaitAsync(CancellationToken cancellationToken) => _credit.WaitAsync(cancellationToken);

        public void Grant(uint updates) => _credit.Release((int)Math.Clamp(updates, 1, ushort.MaxValue));
    }
}
