using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace VAI.Native.Tests.Gguf;

/// <summary>Writes GGUF files, also broken ones, and remembers where each count, length, type, dimension and offset is.</summary>
internal sealed class GgufBytes
{
    private readonly List<(string Key, Action Write)> _entries = [];
    private readonly List<(string Name, uint Type, ulong[] Dimensions, ulong? Offset)> _tensors = [];
    private readonly ArrayBufferWriter<byte> _out = new();

    public uint Version { get; init; } = 3;

    public uint Alignment { get; init; } = 32;

    public ulong? MetadataCount { get; init; }

    public ulong? TensorCount { get; init; }

    /// <summary>Numbers of the last file built, in file order.</summary>
    public List<(string Name, int Offset, int Size)> Fields { get; } = [];

    public GgufBytes Value(string key, GgufValueType type, params byte[] payload) => Add(key, () =>
    {
        UInt32($"{key} type", (uint)type);
        Fields.Add(($"{key} value", At, payload.Length));
        _out.Write(payload);
    });

    public GgufBytes Text(string key, string value) => Add(key, () =>
    {
        UInt32($"{key} type", (uint)GgufValueType.String);
        String($"{key} value", value);
    });

    public GgufBytes UInt(string key, uint value) => Value(key, GgufValueType.UInt32, Bytes(value));

    public GgufBytes Float(string key, float value) => Value(key, GgufValueType.Float32, Bytes(BitConverter.SingleToUInt32Bits(value)));

    public GgufBytes Strings(string key, params string[] values) => Array(key, GgufValueType.String, (ulong)values.Length, () =>
    {
        for (int i = 0; i < values.Length; i++)
            String($"{key} element {i}", values[i]);
    });

    public GgufBytes UInts(string key, params uint[] values) => Array(key, GgufValueType.UInt32, (ulong)values.Length,
        () => _out.Write(values.SelectMany(Bytes).ToArray()));

    public GgufBytes Array(string key, GgufValueType type, ulong count, params byte[] payload) =>
        Array(key, type, count, () => _out.Write(payload));

    public GgufBytes Tensor(string name, GgmlType type, params ulong[] dimensions) => Tensor(name, (uint)type, null, dimensions);

    public GgufBytes Tensor(string name, uint type, ulong? offset, params ulong[] dimensions)
    {
        _tensors.Add((name, type, dimensions, offset));
        return this;
    }

    /// <summary>Where a number of the last file is.</summary>
    public int OffsetOf(string field) => Fields.Single(f => f.Name == field).Offset;

    /// <summary>The file, with tensors laid out one after the other where they say no offset, and zeros for data.</summary>
    public byte[] Build()
    {
        _out.ResetWrittenCount();
        Fields.Clear();
        _out.Write("GGUF"u8);
        UInt32("version", Version);
        UInt64("tensor count", TensorCount ?? (ulong)_tensors.Count);
        UInt64("metadata count", MetadataCount ?? (ulong)_entries.Count);
        foreach ((string key, Action write) in _entries)
        {
            String($"{key} name", key);
            write();
        }

        ulong end = 0;
        foreach ((string name, uint type, ulong[] dimensions, ulong? offset) in _tensors)
            end = WriteTensor(name, type, dimensions, offset, end);
        int length = _tensors.Count > 0 ? (int)(Aligned((ulong)At) + end) : At;
        byte[] file = new byte[length];
        _out.WrittenSpan.CopyTo(file);
        return file;
    }

    public static byte[] Bytes(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private int At => _out.WrittenCount;

    private ulong WriteTensor(string name, uint type, ulong[] dimensions, ulong? offset, ulong end)
    {
        String($"{name} name", name);
        UInt32($"{name} dimension count", (uint)dimensions.Length);
        for (int i = 0; i < dimensions.Length; i++)
            UInt64($"{name} dimension {i}", dimensions[i]);
        UInt32($"{name} type", type);
        UInt64($"{name} offset", offset ?? Aligned(end));
        if (offset != null || !GgmlTypes.TryGetBlock(type, out uint elements, out uint bytes))
            return end;
        ulong count = dimensions.Aggregate(1ul, (product, d) => unchecked(product * d));
        return Aligned(end) + Math.Min(count / elements * bytes, 1 << 20);
    }

    private ulong Aligned(ulong value) => (value + Alignment - 1) / Alignment * Alignment;

    private GgufBytes Array(string key, GgufValueType type, ulong count, Action write) => Add(key, () =>
    {
        UInt32($"{key} type", (uint)GgufValueType.Array);
        UInt32($"{key} element type", (uint)type);
        UInt64($"{key} element count", count);
        write();
    });

    private GgufBytes Add(string key, Action write)
    {
        _entries.Add((key, write));
        return this;
    }

    private void String(string field, string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        UInt64(field, (ulong)utf8.Length);
        _out.Write(utf8);
    }

    private void UInt32(string field, uint value)
    {
        Fields.Add((field, At, 4));
        _out.Write(Bytes(value));
    }

    private void UInt64(string field, ulong value)
    {
        Fields.Add((field, At, 8));
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _out.Write(bytes);
    }
}
