using System.Buffers.Binary;
using System.Text;

namespace VAI.Native.Gguf;

/// <content>Typed access to values: null where there is none, an error where it is of another type or out of range.</content>
internal sealed partial class GgufFile
{
    /// <summary>The bytes of a value.</summary>
    public ReadOnlySpan<byte> Payload(in GgufEntry entry) => _view.Slice(entry.Offset, entry.Bytes);

    /// <summary>The bytes of a value from its type on, as another file may have it.</summary>
    public ReadOnlySpan<byte> TypeAndValue(in GgufEntry entry)
    {
        // Between the type and the value: a string's length, or the type and number of an array's elements.
        int prefix = sizeof(uint) + entry.Type switch
        {
            GgufValueType.String => sizeof(ulong),
            GgufValueType.Array => sizeof(uint) + sizeof(ulong),
            _ => 0,
        };
        return _view.Slice(entry.Offset - prefix, entry.Bytes + prefix);
    }

    /// <summary>A string of up to 1 MiB. Bytes that are not UTF-8 read as U+FFFD.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public string? GetString(string key)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        if (entry.Type != GgufValueType.String)
            throw WrongType(entry, "a string");
        if (entry.Bytes > GgufLimits.MaxTextBytes)
            throw Invalid(entry, $"{entry.Bytes} bytes are more than {GgufLimits.MaxTextBytes}");
        return Encoding.UTF8.GetString(Payload(entry));
    }

    /// <summary>An integer of any type that is not negative.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public ulong? GetUInt(string key)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        if (!IsInteger(entry.Type))
            throw WrongType(entry, "an integer");
        Int128 value = Integer(entry.Type, Payload(entry));
        return value >= 0 ? (ulong)value : throw Invalid(entry, $"{value} is negative");
    }

    /// <summary>A finite number of either float type.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public double? GetFloat(string key)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        if (entry.Type is not (GgufValueType.Float32 or GgufValueType.Float64))
            throw WrongType(entry, "a float");
        ReadOnlySpan<byte> bytes = Payload(entry);
        double value = entry.Type == GgufValueType.Float32
            ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : BinaryPrimitives.ReadDoubleLittleEndian(bytes);
        return double.IsFinite(value) ? value : throw Invalid(entry, "the number is not finite");
    }

    /// <summary>A bool.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public bool? GetBool(string key)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        return entry.Type == GgufValueType.Bool ? Payload(entry)[0] == 1 : throw WrongType(entry, "a bool");
    }

    /// <summary>An array of a type, found but not read.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public GgufEntry? GetArray(string key, GgufValueType elementType)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        return entry.IsArray && entry.ElementType == elementType ? entry : throw WrongType(entry, $"an array of {elementType}");
    }

    /// <summary>The strings of an array, one after the other, without copying.</summary>
    public GgufStrings GetStrings(in GgufEntry entry) =>
        new(entry is { IsArray: true, ElementType: GgufValueType.String } ? Payload(entry) : throw WrongType(entry, "an array of String"));

    /// <summary>A copy of an array of integers of any type; a single integer reads as an array of one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="max">The most elements there may be.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public long[]? GetIntegers(string key, int max)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        if (!IsInteger(entry.ElementType))
            throw WrongType(entry, "an integer or an array of integers");
        int size = CheckCount(entry, max);
        long[] values = new long[entry.Count];
        ReadOnlySpan<byte> bytes = Payload(entry);
        for (int i = 0; i < values.Length; i++)
        {
            Int128 value = Integer(entry.ElementType, bytes.Slice(i * size, size));
            values[i] = value <= long.MaxValue ? (long)value : throw Invalid(entry, $"{value} is more than {long.MaxValue}");
        }

        return values;
    }

    /// <summary>A copy of an array of 32-bit floats, whatever their values; a single one reads as an array of one.</summary>
    /// <inheritdoc cref="GetIntegers"/>
    public float[]? GetFloats(string key, int max)
    {
        if (!TryGet(key, out GgufEntry entry))
            return null;
        if (entry.ElementType != GgufValueType.Float32)
            throw WrongType(entry, "a Float32 or an array of Float32");
        int size = CheckCount(entry, max);
        float[] values = new float[entry.Count];
        ReadOnlySpan<byte> bytes = Payload(entry);
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(i * size)..]);
        return values;
    }

    /// <summary>An error about a value of this file.</summary>
    public VaiModelException Invalid(in GgufEntry entry, string what) =>
        GgufText.Invalid(Path, $"metadata key {GgufText.Quote(entry.Key)}", entry.Offset, what);

    private int CheckCount(in GgufEntry entry, int max) => entry.Count <= max
        ? GgufValueTypes.Size(entry.ElementType) : throw Invalid(entry, $"{entry.Count} elements are more than {max}");

    private VaiModelException WrongType(in GgufEntry entry, string wanted) =>
        Invalid(entry, entry.IsArray ? $"it is an array of {entry.ElementType}, not {wanted}" : $"it is {entry.Type}, not {wanted}");

    private static bool IsInteger(GgufValueType type) => type is GgufValueType.UInt8 or GgufValueType.Int8
        or GgufValueType.UInt16 or GgufValueType.Int16 or GgufValueType.UInt32 or GgufValueType.Int32
        or GgufValueType.UInt64 or GgufValueType.Int64;

    private static Int128 Integer(GgufValueType type, ReadOnlySpan<byte> bytes) => type switch
    {
        GgufValueType.UInt8 => bytes[0],
        GgufValueType.Int8 => (sbyte)bytes[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
    };
}
