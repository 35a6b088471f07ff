using System.Buffers.Binary;
using System.Reflection;
using System.Text;

namespace VAI.Daemon.Supervision.Link;

/// <summary>
/// Who is on the other side, compared once, at the start, little-endian:
/// <code>
///   0          4        8            MostBytes
///   +----------+--------+---- - -
///   | protocol | pid    | build's version, UTF-8
///   +----------+--------+---- - -
/// </code>
/// </summary>
/// <param name="Protocol">Changes with every layout, kind and method.</param>
/// <param name="ProcessId">For people.</param>
/// <param name="Build">Two builds never talk: their documents may differ where the protocol does not.</param>
internal sealed record LinkHello(uint Protocol, int ProcessId, string Build)
{
    public const int MostBytes = 512;
    private const uint CurrentProtocol = 2;
    private const int Fixed = 8;

    /// <summary>This process.</summary>
    public static LinkHello Mine { get; } = new(
        CurrentProtocol, Environment.ProcessId,
        typeof(LinkHello).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    /// <exception cref="LinkEndedException">It is none.</exception>
    public static LinkHello Read(ReadOnlySpan<byte> from) => from.Length < Fixed
        ? throw new LinkEndedException($"a greeting of {from.Length} bytes came")
        : new LinkHello(
            BinaryPrimitives.ReadUInt32LittleEndian(from), BinaryPrimitives.ReadInt32LittleEndian(from[4..]), Encoding.UTF8.GetString(from[Fixed..]));

    public byte[] ToBytes()
    {
        byte[] build = Encoding.UTF8.GetBytes(Build);
        byte[] bytes = new byte[Fixed + Math.Min(build.Length, MostBytes - Fixed)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Protocol);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), ProcessId);
        build.AsSpan(0, bytes.Length - Fixed).CopyTo(bytes.AsSpan(Fixed));
        return bytes;
    }

    /// <exception cref="VaiEngineException"><see cref="VaiError.EngineLost"/>: it is of another build.</exception>
    public void Match(LinkHello other)
    {
        if (Protocol == other.Protocol && Build == other.Build)
            return;
        throw new VaiEngineException(
            VaiError.EngineLost,
            $"The engine process {other.ProcessId} is of VAI {other.Build} (protocol {other.Protocol}), this daemon of {Build} (protocol {Protocol}): "
            + "the program was replaced while the daemon ran. Start the daemon anew.");
    }
}
