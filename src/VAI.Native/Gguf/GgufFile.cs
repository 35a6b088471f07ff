using System.Buffers.Binary;
using System.Text;
using VAI.Native.Memory;

namespace VAI.Native.Gguf;

/// <summary>
/// A GGUF file, checked whole before anything of it is used: llama.cpp ends the process, or worse, on some damaged ones.
/// Format: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3, little-endian.
/// </summary>
/// <remarks>
/// Reads the header and metadata alone, never the weights. Values are read in place on demand. Thread-safe until disposal.
/// </remarks>
internal sealed unsafe class GgufFile : IDisposable
{
    private readonly MappedFile? _map;
    private readonly byte* _start;
    private readonly Dictionary<string, int> _keys;

    private GgufFile(string path, MappedFile map)
    {
        Path = path;
        _map = map;
        _start = map.Pointer;
        Length = map.Length;
        GgufParser.Parsed parsed = GgufParser.Parse(new GgufCursor(_start, Length, path));
        Version = parsed.Version;
        Alignment = parsed.Alignment;
        DataOffset = parsed.DataOffset;
        Entries = parsed.Entries;
        Tensors = parsed.Tensors;
        _keys = parsed.Keys;
    }

    public string Path { get; }

    /// <summary>2 or 3.</summary>
    public uint Version { get; }

    /// <summary>What tensor offsets are multiples of, in bytes; a power of two.</summary>
    public long Alignment { get; }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    /// <summary>Where the tensors' data begins; the metadata is everything before it.</summary>
    public long DataOffset { get; }

    /// <summary>The metadata in file order.</summary>
    public IReadOnlyList<GgufEntry> Entries { get; }

    /// <summary>The tensors in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Maps a file and checks its structure.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/>.</exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>, naming the field and its byte offset.</exception>
    public static GgufFile Open(string path)
    {
        var map = MappedFile.Open(path);
        try
        {
            return new GgufFile(path, map);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    public bool TryGet(string key, out GgufEntry entry)
    {
        bool found = _keys.TryGetValue(key, out int index);
        entry = found ? Entries[index] : default;
        return found;
    }

    /// <summary>The key's text, or null if it is absent.</summary>
    public string? GetString(string key) =>
        Single(key, "a string", GgufValueType.String) is { } entry ? Encoding.UTF8.GetString(StringAt(entry.Offset, out _)) : null;

    public bool? GetBool(string key) =>
        Single(key, "a bool", GgufValueType.Bool) is { } entry ? Bytes(entry.Offset, 1)[0] != 0 : null;

    /// <summary>The key's whole number of any integer type, or null if it is absent.</summary>
    public long? GetInteger(string key) => TryGet(key, out GgufEntry entry) ? Integer(entry, 0) : null;

    /// <summary>The key's floating-point number, or null if it is absent.</summary>
    public double? GetFloat(string key) => Single(key, "a float", GgufValueType.Float32, GgufValueType.Float64) is { } e
        ? e.Type == GgufValueType.Float32
            ? BinaryPrimitives.ReadSingleLittleEndian(Bytes(e.Offset, 4))
            : BinaryPrimitives.ReadDoubleLittleEndian(Bytes(e.Offset, 8))
        : null;

    /// <summary>One element of an integer array, or the value itself.</summary>
    public long Integer(GgufEntry entry, long index)
    {
        int size = GgufParser.SizeOf(entry.ElementType);
        long at = entry.Offset + (index * size);
        return entry.ElementType switch
        {
            GgufValueType.UInt8 => Bytes(at, 1)[0],
            GgufValueType.Int8 => (sbyte)Bytes(at, 1)[0],
            GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(at, 2)),
            GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(Bytes(at, 2)),
            GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(at, 4)),
            GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(Bytes(at, 4)),
            GgufValueType.UInt64 when BinaryPrimitives.ReadUInt64LittleEndian(Bytes(at, 8)) <= long.MaxValue =>
                BinaryPrimitives.ReadInt64LittleEndian(Bytes(at, 8)),
            GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(Bytes(at, 8)),
            _ => throw Invalid($"'{entry.Key}' at byte {entry.Offset} is no integer in range ({entry.ElementType})"),
        };
    }

    /// <summary>The raw bytes of a string that begins with its length, and where the next one begins.</summary>
    public ReadOnlySpan<byte> StringAt(long offset, out long next)
    {
        int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(Bytes(offset, 8)));
        next = offset + 8 + length;
        return Bytes(offset + 8, length);
    }

    /// <summary>A part of the file.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int length) => _map!.Slice(offset, length);

    public void Dispose() => _map?.Dispose();

    internal VaiModelException Invalid(string what) => new(
        VaiError.InvalidModel, $"'{Path}' cannot be a model: {what}. Download or convert the file again.");

    private GgufEntry? Single(string key, string expected, params ReadOnlySpan<GgufValueType> types)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        return types.Contains(entry.Type)
            ? entry
            : throw Invalid($"'{key}' at byte {entry.Offset} is of type {entry.Type}, not {expected}");
    }
}
