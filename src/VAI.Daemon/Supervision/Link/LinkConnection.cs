using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using VAI.Native.Interop;
using VAI.Pipeline.Readers;

namespace VAI.Daemon.Supervision.Link;

/// <summary>
/// One side of a link: frames over a Unix socket. A thread of its own reads, blocking, since that is one switch of threads where the
/// pool's way takes two. Who writes sends at once if nobody else is sending, and with it all that others have written meanwhile; a
/// socket that takes no more is waited for by a thread that is for that alone.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class LinkConnection : IThreadPoolWorkItem, IDisposable
{
    private const int ReadBytes = 64 << 10;

    private readonly Socket _socket;
    private readonly ILinkSide _side;
    private readonly Lock _gate = new();
    private LinkBuffer _waiting = new();
    private LinkBuffer _sent = new();
    private bool _sending;
    private long _received;
    private readonly Lock _reading = new();
    private byte[] _buffer = new byte[ReadBytes];
    private int _held;
    private int _readers;
    private long _telling;
    private LinkEndedException? _end;

    /// <param name="socket">Connected, blocking, and this one's from now on.</param>
    /// <param name="side">Whose it is.</param>
    public LinkConnection(Socket socket, ILinkSide side) => (_socket, _side) = (socket, side);

    /// <summary>Counts whatever is received: it moves while the other side lives.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Begins to read.</summary>
    public void Start() => Start(_readers);

    /// <summary>
    /// Has another thread read on if the one that reads has been with somebody who was told for so long: he blocks it, and must not block
    /// everybody.
    /// </summary>
    public void Relieve(TimeSpan after)
    {
        lock (_reading)
        {
            if (_telling == 0 || Stopwatch.GetElapsedTime(_telling) < after)
                return;
            _telling = 0;
            Start(++_readers);
        }
    }

    private void Start(int reader) => new Thread(() => Read(reader)) { IsBackground = true, Name = "vai-link" }.Start();

    /// <summary>Sends a frame, or has it sent with what is being sent. After the end it does nothing.</summary>
    public void Send(LinkKind kind, ulong id, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second = default)
    {
        lock (_gate)
        {
            int start = _waiting.Begin();
            _waiting.Write(first);
            _waiting.Write(second);
            _waiting.End(start, kind, id);
            if (!Claim())
                return;
        }

        Send();
    }

    /// <summary>
    /// As the other, of an update; allocates nothing. Those of a step go in one piece, when the thread that wakes their readers has run them all: that
    /// costs either side one call for all of them.
    /// </summary>
    public void Send(ulong id, in InferenceUpdate update)
    {
        lock (_gate)
        {
            int start = _waiting.Begin();
            try
            {
                if (update.Result is null)
                    UpdateFrame.Write(_waiting, update);
                else
                    UpdateFrame.WriteResult(_waiting, update);
            }
            catch
            {
                _waiting.Undo(start);
                throw;
            }

            _waiting.End(start, update.Result is null ? LinkKind.Update : LinkKind.Result, id);
            if (!Claim())
                return;
        }

        if (!ReaderThread.TryLeave(this))
            Send();
    }

    void IThreadPoolWorkItem.Execute() => Send();

    /// <summary>Ends the link: either side sees it. The reading thread tells its side.</summary>
    public void End(string reason)
    {
        Interlocked.CompareExchange(ref _end, new LinkEndedException(reason), null);
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    public void Dispose() => End("it was closed");

    // Under the lock: whether the caller is to send.
    private bool Claim()
    {
        if (_sending || Volatile.Read(ref _end) is not null)
        {
            if (_end is not null)
                _waiting.Clear();
            return false;
        }

        return _sending = true;
    }

    private void Send()
    {
        while (true)
        {
            lock (_gate)
            {
                _sent.Clear();
                if (_waiting.Count == 0 || Volatile.Read(ref _end) is not null)
                {
                    _waiting.Clear();
                    _sending = false;
                    return;
                }

                (_sent, _waiting) = (_waiting, _sent);
            }

            int done = SendSome(0);
            if (done == _sent.Count)
                continue;

            // The other side does not read: whoever wrote this has better things to do than to wait for it.
            new Thread(() => SendRest(done)) { IsBackground = true, Name = "vai-link-send" }.Start();
            return;
        }
    }

    private void SendRest(int done)
    {
        while (done < _sent.Count)
        {
            try
            {
                _socket.Poll(-1, SelectMode.SelectWrite);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Sending says it too.
            }

            done = SendSome(done);
        }

        Send();
    }

    /// <summary>Sends what the socket takes without waiting. What cannot be sent as the link has ended counts as sent.</summary>
    private int SendSome(int done)
    {
        ReadOnlySpan<byte> bytes = _sent.Written;
        while (done < bytes.Length)
        {
            nint count;
            try
            {
                count = LibcNative.send(_socket.SafeHandle, bytes[done], (nuint)(bytes.Length - done), LibcNative.MSG_DONTWAIT | LibcNative.MSG_NOSIGNAL);
            }
            catch (ObjectDisposedException)
            {
                return bytes.Length;
            }

            if (count >= 0)
            {
                done += (int)count;
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == LibcNative.EINTR)
                continue;
            if (error == LibcNative.EAGAIN)
                return done;
            End($"sending failed ({Marshal.GetPInvokeErrorMessage(error)})");
            return bytes.Length;
        }

        return done;
    }

    private void Read(int reader)
    {
        string reason = "the other side closed it";
        Exception? cause = null;
        try
        {
            if (!ReadAll(reader))
                return;
        }
        catch (Exception e)
        {
            (reason, cause) = (e is LinkEndedException ? e.Message : $"reading it failed ({e.Message})", e);
        }

        var end = new LinkEndedException(reason, cause);
        end = Interlocked.CompareExchange(ref _end, end, null) ?? end;
        End(reason);
        _side.Ended(end);
        _socket.Dispose();
    }

    // The buffer holds what is left of frames that came in part; one that is longer grows it as it comes, not as it says. False if another thread
    // reads on.
    private bool ReadAll(int reader)
    {
        while (Receive(_buffer.AsSpan(_held)) is var count && count > 0)
        {
            Interlocked.Increment(ref _received);
            _held += count;
            int taken = 0;
            while (_held - taken >= LinkHeader.Bytes)
            {
                LinkHeader header = LinkHeader.Read(_buffer.AsSpan(taken));
                if (_held - taken - LinkHeader.Bytes < header.Length)
                    break;
                _side.Take(header, _buffer.AsSpan(taken + LinkHeader.Bytes, header.Length));
                taken += LinkHeader.Bytes + header.Length;
            }

            _held -= taken;
            Buffer.BlockCopy(_buffer, taken, _buffer, 0, _held);
            if (_held == _buffer.Length)
                LargeBytes.Replace(ref _buffer, _buffer.Length * 2, _held);
            else if (_held == 0 && _buffer.Length > ReadBytes)
                LargeBytes.Replace(ref _buffer, ReadBytes, 0);
            if (taken > 0 && !Tell(reader))
                return false;
        }

        return _held == 0 ? true : throw new LinkEndedException($"it ended {_held} bytes into a frame");
    }

    private bool Tell(int reader)
    {
        lock (_reading)
            _telling = Stopwatch.GetTimestamp();
        _side.Taken();
        lock (_reading)
        {
            if (reader != _readers)
                return false;
            _telling = 0;
            return true;
        }
    }

    private int Receive(Span<byte> to)
    {
        while (true)
        {
            nint count = LibcNative.recv(_socket.SafeHandle, ref MemoryMarshal.GetReference(to), (nuint)to.Length, 0);
            if (count >= 0)
                return (int)count;
            int error = Marshal.GetLastPInvokeError();
            if (error == LibcNative.EAGAIN)
                _socket.Poll(-1, SelectMode.SelectRead);
            else if (error != LibcNative.EINTR)
                throw new LinkEndedException(Marshal.GetPInvokeErrorMessage(error));
        }
    }
}
