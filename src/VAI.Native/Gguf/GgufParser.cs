using System.Buffers.Binary;
using System.Numerics;
using VAI.Native.Memory;

namespace VAI.Native.Gguf;

/// <summary>
/// Checks the structure of a file and finds everything in it. The format is ggml's docs/gguf.md: magic, version, counts,
/// metadata, tensor descriptions, padding, tensor data; little-endian.
/// </summary>
internal ref struct GgufParser
{
    private const uint Magic = 0x46554747; // "GGUF"
    private const int MinEntryBytes = 8 + 1 + 4 + 1;
    private const int MinTensorBytes = 8 + 1 + 4 + 4 + 8;

    private readonly string _file;
    private readonly long _length;
    private GgufCursor _cursor;

    /// <summary>Prepares to parse.</summary>
    /// <param name="header">The first bytes of the file, at most <see cref="GgufLimits.MaxHeaderBytes"/>.</param>
    /// <param name="length">The whole file's length in bytes.</param>
    /// <param name="file">Its name, for errors.</param>
    /// <param name="head">What fills <paramref name="header"/> as it is read; null where it is there.</param>
    public GgufParser(ReadOnlySpan<byte> header, long length, string file, FileHead? head)
    {
        _file = file;
        _length = length;
        _cursor = new GgufCursor(header, file, cut: header.Length < length, head);
    }

    public uint Version { get; private set; }

    public uint Alignment { get; private set; }

    public long DataOffset { get; private set; }

    public GgufEntry[] Entries { get; private set; } = [];

    public GgufTensor[] Tensors { get; private set; } = [];

    public Dictionary<string, int> EntryIndex { get; private set; } = [];

    public Dictionary<string, int> TensorIndex { get; private set; } = [];

    /// <summary>Reads everything before the tensor data.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>: one field is wrong.</exception>
    public void Run()
    {
        ReadVersion();
        int tensors = _cursor.Count("tensor count", GgufLimits.MaxTensors, MinTensorBytes);
        int entries = _cursor.Count("metadata count", GgufLimits.MaxKeys, MinEntryBytes);
        ReadEntries(entries);
        ReadAlignment();
        ReadTensors(tensors);
    }

    private void ReadVersion()
    {
        if (_cursor.UInt32("magic") != Magic)
        {
            throw new VaiModelException(VaiError.MalformedModel,
                $"{_file}: magic at byte 0: this is not a GGUF file. Give a GGUF file, or convert the model with convert_hf_to_gguf.py.");
        }

        Version = _cursor.UInt32("version");
        if (Version is 2 or 3)
            return;
        string what = Version == 1
            ? "GGUF version 1 is no longer read. Convert the model again, or download a newer file"
            : BinaryPrimitives.ReverseEndianness(Version) is 2 or 3
                ? "the file is big-endian. Download a little-endian file, or convert it with gguf_convert_endian.py"
                : $"GGUF version {Version} is not 2 or 3. Use a newer VAI, or download the file again if it is damaged";
        throw new VaiModelException(VaiError.MalformedModel, $"{_file}: version at byte 4: {what}.");
    }

    private void ReadEntries(int count)
    {
        Entries = new GgufEntry[count];
        EntryIndex = new Dictionary<string, int>(count, StringComparer.Ordinal);
        int keyBytes = 0;
        for (int i = 0; i < count; i++)
        {
            _cursor.About("metadata key", i);
            int at = _cursor.Position;
            string key = _cursor.Text("name", GgufLimits.MaxKeyBytes);
            _cursor.Named(key);
            if (!EntryIndex.TryAdd(key, i))
                throw _cursor.Error("name", at, "it appears a second time");
            keyBytes += _cursor.Position - at - 8;
            if (keyBytes > GgufLimits.MaxAllKeyBytes)
                throw _cursor.Error("name", at, $"the keys so far take more than {GgufLimits.MaxAllKeyBytes} bytes together");
            Entries[i] = ReadValue(key);
        }
    }

    private GgufEntry ReadValue(string key)
    {
        GgufValueType type = ReadType("type");
        if (type == GgufValueType.Array)
            return ReadArray(key);

        int at = _cursor.Position;
        if (type == GgufValueType.String)
        {
            int length = _cursor.SkipString("value");
            return new GgufEntry(key, type, type, 1, at + 8, length);
        }

        ReadOnlySpan<byte> value = _cursor.Bytes(GgufValueTypes.Size(type), "value");
        if (type == GgufValueType.Bool && value[0] > 1)
            throw _cursor.Error("value", at, $"a bool is 0 or 1, not {value[0]}");
        return new GgufEntry(key, type, type, 1, at, value.Length);
    }

    private GgufEntry ReadArray(string key)
    {
        int typeAt = _cursor.Position;
        GgufValueType type = ReadType("element type");
        if (type == GgufValueType.Array)
            throw _cursor.Error("element type", typeAt, "arrays of arrays are not read");

        int size = GgufValueTypes.Size(type);
        int count = _cursor.Count("element count", int.MaxValue, size == 0 ? 8 : size);
        int at = _cursor.Position;
        if (type == GgufValueType.String)
        {
            _cursor.SkipStrings(count);
        }
        else
        {
            ReadOnlySpan<byte> values = _cursor.Bytes(count * size, "elements");
            int wrong = type == GgufValueType.Bool ? values.IndexOfAnyExceptInRange((byte)0, (byte)1) : -1;
            if (wrong >= 0)
                throw _cursor.Error($"element {wrong}", at + wrong, $"a bool is 0 or 1, not {values[wrong]}");
        }

        return new GgufEntry(key, GgufValueType.Array, type, count, at, _cursor.Position - at);
    }

    private GgufValueType ReadType(string part)
    {
        int at = _cursor.Position;
        uint type = _cursor.UInt32(part);
        if (!GgufValueTypes.IsKnown(type))
            throw _cursor.Error(part, at, $"there is no value type {type}");
        return (GgufValueType)type;
    }

    private void ReadAlignment()
    {
        Alignment = GgufLimits.DefaultAlignment;
        if (!EntryIndex.TryGetValue("general.alignment", out int index))
            return;

        GgufEntry entry = Entries[index];
        _cursor.About("metadata key", index);
        _cursor.Named(entry.Key);
        if (entry.Type != GgufValueType.UInt32)
            throw _cursor.Error("value", entry.Offset, $"it is {entry.Type}, not {nameof(GgufValueType.UInt32)}");
        Alignment = _cursor.UInt32At((int)entry.Offset);
        if (!BitOperations.IsPow2(Alignment) || Alignment is < GgufLimits.MinAlignment or > GgufLimits.MaxAlignment)
        {
            throw _cursor.Error("value", entry.Offset,
                $"{Alignment} is not a power of two in {GgufLimits.MinAlignment}..{GgufLimits.MaxAlignment}");
        }
    }

    private void ReadTensors(int count)
    {
        Tensors = new GgufTensor[count];
        TensorIndex = new Dictionary<string, int>(count, StringComparer.Ordinal);
        int[] offsetFields = new int[count];
        for (int i = 0; i < count; i++)
        {
            _cursor.About("tensor", i);
            int at = _cursor.Position;
            string name = _cursor.Text("name", GgufLimits.MaxTensorNameBytes);
            _cursor.Named(name);
            if (!TensorIndex.TryAdd(name, i))
                throw _cursor.Error("name", at, "it appears a second time");
            Tensors[i] = GgufTensorReader.Read(ref _cursor, name, Alignment, out offsetFields[i]);
        }

        PlaceData(offsetFields);
    }

    // Tensor offsets count from the data, which starts at the first aligned byte after the descriptions.
    private void PlaceData(int[] offsetFields)
    {
        long start = (_cursor.Position + (long)Alignment - 1) & -(long)Alignment;
        if (Tensors.Length == 0)
        {
            DataOffset = Math.Min(start, _length);
            return;
        }

        DataOffset = start;
        long room = Math.Max(0, _length - start);
        for (int i = 0; i < Tensors.Length; i++)
        {
            GgufTensor tensor = Tensors[i];
            // Not a sum: offset + bytes could wrap.
            if (tensor.Offset > room || tensor.Bytes > room - tensor.Offset)
            {
                throw TensorError(i, offsetFields[i],
                    $"{tensor.Bytes} bytes at {tensor.Offset} of the data do not fit into the {room} bytes the file has there");
            }

            Tensors[i] = tensor with { Offset = start + tensor.Offset };
        }

        RefuseOverlap(offsetFields);
    }

    private void RefuseOverlap(int[] offsetFields)
    {
        long[] starts = Array.ConvertAll(Tensors, t => t.Offset);
        int[] order = [.. Enumerable.Range(0, Tensors.Length)];
        Array.Sort(starts, order);
        for (int i = 1; i < order.Length; i++)
        {
            GgufTensor before = Tensors[order[i - 1]];
            if (before.Offset + before.Bytes > starts[i])
                throw TensorError(order[i], offsetFields[order[i]], $"its data overlaps that of {GgufText.Quote(before.Name)}");
        }
    }

    private VaiModelException TensorError(int index, int at, string what)
    {
        _cursor.About("tensor", index);
        _cursor.Named(Tensors[index].Name);
        return _cursor.Error("offset", at, what);
    }
}
