using System.Buffers;
using System.Buffers.Binary;
using System.Text;
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
        UInt32(_entries, (uint)value);
    }

    public void Add(string key, uint value)
    {
        Key(key, GgufValueType.UInt32);
        UInt32(_entries, value);
    }

    public void Add(string key, ulong value)
    {
        Key(key, GgufValueType.UInt64);
        UInt64(_entries, value);
    }

    public void Add(string key, float value)
    {
        Key(key, GgufValueType.Float32);
        UInt32(_entries, BitConverter.SingleToUInt32Bits(value));
    }

    public void Add(string key, bool value)
    {
        Key(key, GgufValueType.Bool);
        _entries.Write([value ? (byte)1 : (byte)0]);
    }

    public void Add(string key, string value)
    {
        Key(key, GgufValueType.String);
        Text(_entries, value);
    }

    public void Add(string key, IReadOnlyList<string> values)
    {
        ArrayKey(key, GgufValueType.String, values.Count);
        foreach (string value in values)
            Text(_entries, value);
    }

    public void Add(string key, ReadOnlySpan<int> values)
    {
        ArrayKey(key, GgufValueType.Int32, values.Length);
        foreach (int value in values)
            UInt32(_entries, (uint)value);
    }

    public void Add(string key, ReadOnlySpan<float> values)
    {
        ArrayKey(key, GgufValueType.Float32, values.Length);
        foreach (float value in values)
            UInt32(_entries, BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Adds a value as another file has it, from its type on.</summary>
    public void AddVerbatim(string key, ReadOnlySpan<byte> typeAndValue)
    {
        Text(_entries, key);
        _entries.Write(typeAndValue);
        _entryCount++;
    }

    /// <summary>Adds a tensor and gives its offset from the start of the data.</summary>
    public long AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions)
    {
        long values = 1;
        Text(_tensors, name);
        UInt32(_tensors, (uint)dimensions.Length);
        foreach (long dimension in dimensions)
        {
            UInt64(_tensors, (ulong)dimension);
            values = checked(values * dimension);
        }

        long offset = _dataBytes;
        UInt32(_tensors, (uint)type);
        UInt64(_tensors, (ulong)offset);
        _tensorCount++;
        _dataBytes = Aligned(offset + type.Bytes(values));
        return offset;
    }

    /// <summary>Everything before the data, padding included.</summary>
    public byte[] BuildHeader()
    {
        var head = new ArrayBufferWriter<byte>(24);
        head.Write("GGUF"u8);
        UInt32(head, Version);
        UInt64(head, _tensorCount);
        UInt64(head, _entryCount);
        byte[] all = new byte[Aligned(head.WrittenCount + (long)_entries.WrittenCount + _tensors.WrittenCount)];
        head.WrittenSpan.CopyTo(all);
        _entries.WrittenSpan.CopyTo(all.AsSpan(head.WrittenCount));
        _tensors.WrittenSpan.CopyTo(all.AsSpan(head.WrittenCount + _entries.WrittenCount));
        return all;
    }

    private static long Aligned(long value) => (value + Alignment - 1) / Alignment * Alignment;

    private static void UInt32(ArrayBufferWriter<byte> to, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(sizeof(uint)), value);
        to.Advance(sizeof(uint));
    }

    private static void UInt64(ArrayBufferWriter<byte> to, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(sizeof(ulong)), value);
        to.Advance(sizeof(ulong));
    }

    private static void Text(ArrayBufferWriter<byte> to, string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        UInt64(to, (ulong)length);
        to.Advance(Encoding.UTF8.GetBytes(value, to.GetSpan(length)));
    }

    private void Key(string key, GgufValueType type)
    {
        Text(_entries, key);
        UInt32(_entries, (uint)type);
        _entryCount++;
    }

    private void ArrayKey(string key, GgufValueType element, int count)
    {
        Key(key, GgufValueType.Array);
        UInt32(_entries, (uint)element);
        UInt64(_entries, (ulong)count);
    }
}
