using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace VAI.Native.Gguf;

/// <summary>
/// Reads forward through an untrusted file. Every length is compared with what is left before it is used, and every error
/// names the field and where it begins.
/// </summary>
internal sealed unsafe class GgufCursor(byte* start, long length, string file)
{
    /// <summary>Metadata beyond this is not read: the largest vocabularies take 20 MB.</summary>
    private const long MaxMetadataBytes = 128L << 20;

    private readonly long _end = Math.Min(length, MaxMetadataBytes);

    public long Position { get; private set; }

    public long FileLength => length;

    public long Left => _end - Position;

    /// <summary>Strings of arrays read so far.</summary>
    public long Strings { get; set; }

    public uint U32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, field));

    public ulong U64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, field));

    /// <summary>A number that was read over already.</summary>
    public uint Peek(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(start + offset, 4));

    /// <summary>A count of things that take at least some bytes each: bounded by a limit and by what is left of the file.</summary>
    public long Count(string field, long limit, long bytesEach)
    {
        long at = Position;
        ulong count = U64(field);
        if (count > (ulong)limit)
            throw Bad(field, at, $"{count} is more than {limit}");
        if ((long)count > Left / Math.Max(1, bytesEach))
            throw Bad(field, at, $"{count} do not fit into the {Left} bytes left of it");
        return (long)count;
    }

    /// <summary>A name: UTF-8, not empty, no NUL that would end it early in C.</summary>
    public string Name(string field, int maxBytes)
    {
        long at = Position;
        ulong bytes = U64(field + " length");
        if (bytes == 0 || bytes > (ulong)maxBytes)
            throw Bad(field + " length", at, $"{bytes} is not from 1 to {maxBytes}");
        ReadOnlySpan<byte> text = Take((long)bytes, field);
        if (!Utf8.IsValid(text) || text.IndexOf((byte)0) >= 0)
            throw Bad(field, at, "it is not UTF-8");
        return Encoding.UTF8.GetString(text);
    }

    public void SkipString(string field)
    {
        long at = Position;
        ulong bytes = U64(field + " length");
        if (bytes > (ulong)Left)
            throw Bad(field + " length", at, $"{bytes} bytes do not fit into the {Left} left");
        Position += (long)bytes;
    }

    public ReadOnlySpan<byte> Take(long bytes, string field)
    {
        if (bytes > Left)
            throw Bad(field, Position, $"the file ends {bytes - Left} bytes too early");
        var span = new ReadOnlySpan<byte>(start + Position, checked((int)bytes));
        Position += bytes;
        return span;
    }

    public void Skip(long bytes, string field)
    {
        if (bytes > Left)
            throw Bad(field, Position, $"{bytes} bytes do not fit into the {Left} left");
        Position += bytes;
    }

    public VaiModelException Bad(string field, long at, string what) => new(
        VaiError.MalformedModel,
        $"'{file}' is damaged: {Printable(field)} at byte {at}: {what}. Download or convert the file again.");

    // Names come from the file: control characters and endless ones stay out of the message.
    private static string Printable(string field)
    {
        string text = field.Length > 120 ? field[..120] + "..." : field;
        return string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
    }
}
