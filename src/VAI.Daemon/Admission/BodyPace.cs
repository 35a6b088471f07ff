using System.Buffers;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Admission;

/// <summary>
/// How fast the bytes of large bodies are taken, all of them together: a sender on this machine has them ready as fast as they can be copied, and
/// while they are nobody else's request is read. Thread-safe.
/// </summary>
internal sealed class BodyPace
{
    /// <summary>What is longer keeps the pace, and is taken apart on a thread of its own: of less the time is not worth waking one.</summary>
    public const int Large = 256 << 10;

    // A fifth of what a core copies in and out of a socket.
    private const long BytesPerSecond = 128 << 20;

    // What is read and thrown away of a refused body, so that its sender comes to read the answer.
    private const long MostDiscarded = 256 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);

    private long _next;

    /// <summary>So many bytes were taken: comes back when the next may be.</summary>
    public ValueTask TakenAsync(int bytes, CancellationToken cancellationToken)
    {
        long now = Stopwatch.GetTimestamp(), taken = bytes * Stopwatch.Frequency / BytesPerSecond, next, before;
        do
        {
            before = Volatile.Read(ref _next);
            next = Math.Max(before, now) + taken;
        }
        while (Interlocked.CompareExchange(ref _next, next, before) != before);

        TimeSpan wait = Stopwatch.GetElapsedTime(now, next);
        return wait < Least ? ValueTask.CompletedTask : new ValueTask(Task.Delay(wait, cancellationToken));
    }

    /// <summary>Reads the body of a request that was answered, for as long as somebody may still send it, and keeps nothing.</summary>
    public async Task DiscardAsync(HttpContext context)
    {
        Stream body = context.Request.Body is BoundedBody bounded ? bounded.Whole : context.Request.Body;
        if (context.Request.ContentLength <= Large || body is HeldBodies.Body)
            return;
        await context.Response.CompleteAsync().ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(Patience);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Large);
        try
        {
            int read;
            for (long left = MostDiscarded; left > 0; left -= read)
            {
                if ((read = await body.ReadAsync(buffer, limit.Token).ConfigureAwait(false)) == 0)
                    return;
                await TakenAsync(read, limit.Token).ConfigureAwait(false);
            }

            context.Abort();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // Long enough; or it went away, or is longer than what is taken.
            context.Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
