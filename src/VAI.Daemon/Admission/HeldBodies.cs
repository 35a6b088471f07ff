using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Admission;

/// <summary>
/// The bodies of requests that wait: read before a place is asked for, so that who sends slowly has none, and so that the place can be measured.
/// Their bytes are bounded, all in all and for each client. Thread-safe.
/// </summary>
internal sealed class HeldBodies(long most, long share)
{
    private const int First = 4096;
    private const int FirstOfLarge = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _shares = new(StringComparer.Ordinal);
    private long _held;

    /// <summary>Bytes that are held.</summary>
    public long Held
    {
        get
        {
            lock (_gate)
                return _held;
        }
    }

    /// <summary>Reads a request's body, which the request then has again.</summary>
    /// <returns>Null if there is no room for it.</returns>
    public async Task<Body?> ReadAsync(HttpContext context, string client)
    {
        HttpRequest request = context.Request;
        var body = new Body(this, client);
        try
        {
            // A length that is only announced buys no memory.
            byte[] buffer = [];
            int count = 0;
            for (int size = (int)Math.Min((request.ContentLength ?? First - 1) + 1, FirstOfLarge); ; size = (int)Math.Min(size * 2L, Array.MaxLength))
            {
                if (!body.TryHold(size))
                {
                    body.Dispose();
                    return null;
                }

                Array.Resize(ref buffer, size);
                int read;
                while (count < buffer.Length && (read = await request.Body.ReadAsync(buffer.AsMemory(count), context.RequestAborted)) > 0)
                    count += read;
                if (count < buffer.Length)
                    break;
            }

            body.Fill(buffer, count);
            request.Body = body;
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private bool Hold(string client, long change)
    {
        lock (_gate)
        {
            long its = _shares.GetValueOrDefault(client) + change;
            if (change > 0 && (_held + change > most || its > share))
                return false;
            _held += change;
            if (its == 0)
                _shares.Remove(client);
            else
                _shares[client] = its;
            return true;
        }
    }

    /// <summary>A body in memory, until it is read to its end or disposed.</summary>
    internal sealed class Body(HeldBodies owner, string client) : ReadStream
    {
        private byte[]? _bytes;
        private long _reserved;
        private int _length;
        private int _at;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

        public bool TryHold(int size)
        {
            if (!owner.Hold(client, size - _reserved))
                return false;
            _reserved = size;
            return true;
        }

        public void Fill(byte[] bytes, int length) => (_bytes, _length) = (bytes, length);

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, _length - _at);
            _bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            if (count == 0 && buffer.Length > 0)
                LetGo();
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        protected override void Dispose(bool disposing)
        {
            LetGo();
            base.Dispose(disposing);
        }

        private void LetGo()
        {
            long reserved = Interlocked.Exchange(ref _reserved, 0);
            if (reserved > 0)
                owner.Hold(client, -reserved);
            (_bytes, _length, _at) = (null, 0, 0);
        }
    }
}
