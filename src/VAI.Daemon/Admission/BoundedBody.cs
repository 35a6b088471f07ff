using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Admission;

/// <summary>
/// The body of a request that does not tell its length, as far as the limit. It stands in for Kestrel's own limit, which closes the
/// connection on the rest of the body, so that the client gets a reset instead of its 413.
/// </summary>
internal sealed class BoundedBody(Stream body, long limit) : ReadStream
{
    private long _left = limit;

    /// <summary>The body without a limit.</summary>
    public Stream Whole => body;

    public override int Read(Span<byte> buffer) => Counted(body.Read(buffer));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Counted(await body.ReadAsync(buffer, cancellationToken));

    private int Counted(int read) => (_left -= read) >= 0
        ? read
        : throw new BadHttpRequestException("The request's body is too large.", StatusCodes.Status413PayloadTooLarge);
}
