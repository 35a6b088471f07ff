using System.Buffers;
using System.Buffers.Binary;
using VAI.Native.Gguf;

namespace VAI.Forge.Gguf;

/// <summary>Collects metadata and tensor descriptions, and lays out a GGUF version 3 file (llama.cpp docs, gguf.md).</summary>
/// <remarks>
/// <code>
/// magic "GGUF" | u32 version | u64 tensors | u64 entries
/// entries:  key | u32 type | value              a string is u64 length | bytes
/// tensors:  name | u32 dims | u64 dim... | u32 type | u64 offset from the data
/// padding to 32, then the data, every tensor padded to 32
/// </code>
/// </remarks>
internal sealed class GgufWriter
{
    public const int Alignment = 32;

    private const uint Version = 3;

    private readonly ArrayBufferWriter<byte> _entries = new(4096);
    private readonly ArrayBufferWriter<byte> _tensors = new(4096);
    private ulong _entryCount;
    private ulong _tensorCount;
    private long _dataBytes;

    /// <summary>Bytes of the data section so far, padding included.</summary>
    public long DataBytes => _dataBytes;

    public void Add(string key, ushort value)
    {
        Key(key, GgufValueType.UInt16);
        BinaryPrimitives.WriteUInt16LittleEndian(_entries.GetSpan(sizeof(ushort)), value);
        _entries.Advance(sizeof(ushort));
    }

    public void Add(string key, int value)
    {
        Key(key, GgufValueType.Int32);
        _entries.AppendUInt32((uint)value);
    }

    public void Add(string key, uint value)
    {
        Key(key, GgufValueType.UInt32);
        _entries.AppendUInt32(value);
    }

    public void Add(string key, ulong value)
    {
        Key(key, GgufValueType.UInt64);
        _entries.AppendUInt64(value);
    }

    public void Add(string key, float value)
    {
        Key(key, GgufValueType.Float32);
        _entries.AppendUInt32(BitConverter.SingleToUInt32Bits(value));
    }

    public void Add(string key, bool value)
    {
        Key(key, GgufValueType.Bool);
        _entries.Write([value ? (byte)1 : (byte)0]);
    }

    public void Add(string key, string value)
    {
        Key(key, GgufValueType.String);
        _entries.AppendText(value);
    }

    public void Add(string key, IReadOnlyList<string> values)
    {
        ArrayKey(key, GgufValueType.String, values.Count);
        foreach (string value in values)
            _entries.AppendText(value);
    }

    public void Add(string key, ReadOnlySpan<int> values)
    {
        ArrayKey(key, GgufValueType.Int32, values.Length);
        foreach (int value in values)
            _entries.AppendUInt32((uint)value);
    }

    public void Add(string key, ReadOnlySpan<float> values)
    {
        ArrayKey(key, GgufValueType.Float32, values.Length);
        foreach (float value in values)
            _entries.AppendUInt32(BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Adds a value as another file has it, from its type on.</summary>
    public void AddVerbatim(string key, ReadOnlySpan<byte> typeAndValue)
    {
        _entries.AppendText(key);
        _entries.Write(typeAndValue);
        _entryCount++;
    }

    /// <summary>Adds a tensor and gives its offset from the start of the data.</summary>
    public long AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions)
    {
        long values = 1;
        _tensors.AppendText(name);
        _tensors.AppendUInt32((uint)dimensions.Length);
        foreach (long dimension in dimensions)
        {
            _tensors.AppendUInt64((ulong)dimension);
            values = checked(values * dimension);
        }

        long offset = _dataBytes;
        _tensors.AppendUInt32((uint)type);
        _tensors.AppendUInt64((ulong)offset);
        _tensorCount++;
        _dataBytes = Aligned(offset + type.Bytes(values));
        return offset;
    }

    /// <summary>Everything before the data, padding included.</summary>
    public byte[] BuildHeader()
    {
        var head = new ArrayBufferWriter<byte>(24);
        head.Write("GGUF"u8);
        head.AppendUInt32(Version);
        head.AppendUInt64(_tensorCount);
        head.AppendUInt64(_entryCount);
        byte[] all = new byte[Aligned(head.WrittenCount + (long)_entries.WrittenCount + _tensors.WrittenCount)];
        head.WrittenSpan.CopyTo(all);
        _entries.WrittenSpan.CopyTo(all.AsSpan(head.WrittenCount));
        _tensors.WrittenSpan.CopyTo(all.AsSpan(head.WrittenCount + _entries.WrittenCount));
        return all;
    }

    private static long Aligned(long value) => (value + Alignment - 1) / Alignment * Alignment;

    private void Key(string key, GgufValueType type)
    {
        _entries.AppendText(key);
        _entries.AppendUInt32((uint)type);
        _entryCount++;
    }

    private void ArrayKey(string key, GgufValueType element, int count)
    {
        Key(key, GgufValueType.Array);
        _entries.AppendUInt32((uint)element);
        _entries.AppendUInt64((ulong)count);
    }
}
