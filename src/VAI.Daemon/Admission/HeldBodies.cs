using System.Buffers;
using Microsoft.AspNetCore.Http;
using VAI.Text;

namespace VAI.Daemon.Admission;

/// <summary>
/// The bodies of requests that wait: read before a place is asked for, so that who sends slowly has none, and so that the place can be measured.
/// Their bytes are bounded, all in all and for each client. Thread-safe.
/// </summary>
internal sealed class HeldBodies(long most, long share, BodyPace pace)
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
            // A length that is only announced buys no memory; that of one who has sent a good piece of it does.
            int count = 0;
            long announced = (request.ContentLength ?? First - 1) + 1;
            for (int size = (int)Math.Min(announced, FirstOfLarge); ; size = (int)Math.Min(Math.Max(announced, size * 2L), Array.MaxLength))
            {
                if (!body.TryGrow(size, count))
                {
                    body.Dispose();
                    return null;
                }

                int read;
                while (count < size && (read = await request.Body.ReadAsync(body.Buffer[count..], context.RequestAborted)) > 0)
                {
                    count += read;
                    if (count > BodyPace.Large)
                        await pace.TakenAsync(read, context.RequestAborted);
                }

                if (count < size)
                    break;
            }

            body.Fill(count);
            request.Body = body;
            return body;
        }
        catch (IOException e) when (e is not BadHttpRequestException && !context.RequestAborted.IsCancellationRequested)
        {
            // As Kestrel says that the length of a chunk is beyond its numbers.
            body.Dispose();
            throw new BadHttpRequestException($"The request's body cannot be read: {e.Message}", StatusCodes.Status400BadRequest, e);
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

    /// <summary>A body in memory, until it is read to its end, taken apart or disposed.</summary>
    internal sealed class Body(HeldBodies owner, string client) : ReadStream
    {
        // Rented: memory that is new is slow to come by, four kilobytes at a time, and this is megabytes.
        private byte[]? _bytes;
        private int _reserved;
        private int _length;
        private int _at;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

        /// <summary>As much memory as is held.</summary>
        public Memory<byte> Buffer => _bytes.AsMemory(0, _reserved);

        public bool TryGrow(int size, int used)
        {
            if (!owner.Hold(client, size - _reserved))
                return false;
            _reserved = size;
            byte[] larger = ArrayPool<byte>.Shared.Rent(size);
            if (_bytes is { } bytes)
            {
                bytes.AsSpan(0, used).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(bytes);
            }

            _bytes = larger;
            return true;
        }

        public void Fill(int length) => _length = length;

        /// <summary>Makes a document of the whole body, which is gone then: of a large one on the thread for long texts.</summary>
        /// <param name="read">What it is made by. It keeps none of the memory.</param>
        /// <param name="cancellationToken">Gives up before that.</param>
        public async ValueTask<T> TakeApartAsync<T>(Func<ReadOnlyMemory<byte>, T> read, CancellationToken cancellationToken)
        {
            ReadOnlyMemory<byte> bytes = _bytes.AsMemory(0, _length);
            try
            {
                return bytes.Length > BodyPace.Large
                    ? await LongTextThread.RunAsync(() => read(bytes), cancellationToken).ConfigureAwait(false)
                    : read(bytes);
            }
            finally
            {
                LetGo();
            }
        }

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
            if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
                ArrayPool<byte>.Shared.Return(bytes);
            int reserved = Interlocked.Exchange(ref _reserved, 0);
            if (reserved > 0)
                owner.Hold(client, -reserved);
            (_length, _at) = (0, 0);
        }
    }
}
