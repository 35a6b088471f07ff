using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision.Link;

/// <summary>
/// A token on its way, little-endian:
/// <code>
///   0       4        8          10     11
///   +-------+--------+----------+------+---- - - -+---- - -
///   | token | text's | count of | kind | text,    | count x { token 4, log probability 4, length 2, bytes }, its own first
///   |       | bytes  | below    |      | UTF-8    |
///   +-------+--------+----------+------+---- - - -+---- - -
/// </code>
/// Text may hold half of a pair of surrogates no more than UTF-8 does: it is of whole characters. Of a result, what is behind is its document.
/// </summary>
internal static class UpdateFrame
{
    private const int Fixed = 11;
    private const int Each = 10;

    /// <summary>Writes one; allocates nothing once the buffer has grown.</summary>
    public static void Write(LinkBuffer to, in InferenceUpdate update)
    {
        Span<byte> span = to.Take(Fixed + Encoding.UTF8.GetMaxByteCount(update.Text.Length));
        int text = Encoding.UTF8.GetBytes(update.Text, span[Fixed..]);
        TokenLogProbabilities? said = update.LogProbabilities;
        BinaryPrimitives.WriteInt32LittleEndian(span, update.TokenId);
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], text);
        BinaryPrimitives.WriteUInt16LittleEndian(span[8..], (ushort)(said is null ? 0 : 1 + said.Top.Count));
        span[10] = (byte)update.Kind;
        to.Return(span.Length - Fixed - text);
        if (said is null)
            return;
        Write(to, said.Token);
        for (int i = 0; i < said.Top.Count; i++)
            Write(to, said.Top[i]);
    }

    /// <summary>Writes the last one, with its result.</summary>
    public static void WriteResult(LinkBuffer to, in InferenceUpdate update)
    {
        Write(to, update);
        using var json = new Utf8JsonWriter(to);
        JsonSerializer.Serialize(json, update.Result!, WireJson.Default.InferenceResult);
    }

    /// <exception cref="LinkEndedException">It is none.</exception>
    public static InferenceUpdate Read(ReadOnlySpan<byte> from, bool result)
    {
        if (from.Length < Fixed)
            throw Malformed();
        int token = BinaryPrimitives.ReadInt32LittleEndian(from);
        int length = BinaryPrimitives.ReadInt32LittleEndian(from[4..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(from[8..]);
        var kind = (InferenceUpdateKind)from[10];
        from = from[Fixed..];
        if ((uint)length > (uint)from.Length)
            throw Malformed();
        string text = length == 0 ? "" : Encoding.UTF8.GetString(from[..length]);
        from = from[length..];
        TokenLogProbabilities? said = null;
        if (count > 0)
        {
            TokenLogProbability own = ReadOne(ref from);
            var top = new TokenLogProbability[count - 1];
            for (int i = 0; i < top.Length; i++)
                top[i] = ReadOne(ref from);
            said = new TokenLogProbabilities(own, top);
        }

        if (result)
            return new InferenceUpdate(text, token, ReadResult(from)) { Kind = kind };
        return from.IsEmpty ? new InferenceUpdate(text, token) { Kind = kind, LogProbabilities = said } : throw Malformed();
    }

    private static InferenceResult ReadResult(ReadOnlySpan<byte> from)
    {
        try
        {
            return JsonSerializer.Deserialize(from, WireJson.Default.InferenceResult) ?? throw Malformed();
        }
        catch (JsonException e)
        {
            throw new LinkEndedException($"a result came that is none ({e.Message})", e);
        }
    }

    private static void Write(LinkBuffer to, in TokenLogProbability said)
    {
        Span<byte> span = to.Take(Each + said.Bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span, said.TokenId);
        BinaryPrimitives.WriteSingleLittleEndian(span[4..], said.LogProbability);
        BinaryPrimitives.WriteUInt16LittleEndian(span[8..], (ushort)said.Bytes.Length);
        said.Bytes.Span.CopyTo(span[Each..]);
    }

    private static TokenLogProbability ReadOne(ref ReadOnlySpan<byte> from)
    {
        if (from.Length < Each || from.Length - Each < BinaryPrimitives.ReadUInt16LittleEndian(from[8..]))
            throw Malformed();
        int length = BinaryPrimitives.ReadUInt16LittleEndian(from[8..]);
        var said = new TokenLogProbability(
            BinaryPrimitives.ReadInt32LittleEndian(from), BinaryPrimitives.ReadSingleLittleEndian(from[4..]), from.Slice(Each, length).ToArray());
        from = from[(Each + length)..];
        return said;
    }

    private static LinkEndedException Malformed() => new("an update came that is none");
}
