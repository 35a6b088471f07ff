using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using VAI.Native.Memory;

namespace VAI.Native.Gguf;

/// <summary>Reads the header from the front; every read is checked against the end first.</summary>
internal ref struct GgufCursor
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly string _file;
    private readonly bool _cut;
    private readonly FileHead? _head;
    private int _there;
    private string _kind = "header";
    private string? _name;
    private int _index = -1;

    /// <summary>Starts at byte 0.</summary>
    /// <param name="bytes">The start of the file.</param>
    /// <param name="file">Its name, for errors.</param>
    /// <param name="cut">Whether the file goes on after <paramref name="bytes"/>.</param>
    /// <param name="head">What fills <paramref name="bytes"/> as they are read; null where they are there.</param>
    public GgufCursor(ReadOnlySpan<byte> bytes, string file, bool cut, FileHead? head)
    {
        _bytes = bytes;
        _head = head;
        _there = head?.Filled ?? bytes.Length;
        _file = file;
        _cut = cut;
    }

    /// <summary>Byte of the next read.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes left.</summary>
    public readonly int Remaining => _bytes.Length - Position;

    /// <summary>Says what is being read, for errors.</summary>
    public void About(string kind, int index)
    {
        _kind = kind;
        _index = index;
        _name = null;
    }

    /// <summary>Says its name, once it is known.</summary>
    public void Named(string name) => _name = name;

    /// <summary>An error about a part of what is being read.</summary>
    public readonly VaiModelException Error(string part, long offset, string what)
    {
        string subject = _name != null ? $"{_kind} {GgufText.Quote(_name)}"
            : _index >= 0 ? $"{_kind} {_index.ToString(CultureInfo.InvariantCulture)}" : _kind;
        return GgufText.Malformed(_file, $"{subject} {part}", offset, what);
    }

    /// <summary>Reads a little-endian number.</summary>
    public uint UInt32(string part) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, part));

    /// <summary>The number at a byte already read.</summary>
    public readonly uint UInt32At(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[offset..]);

    /// <inheritdoc cref="UInt32"/>
    public ulong UInt64(string part) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8, part));

    /// <summary>Reads a number of records, refusing more than could follow.</summary>
    /// <param name="part">What the records are.</param>
    /// <param name="max">The most there may be.</param>
    /// <param name="recordBytes">The fewest bytes one takes.</param>
    public int Count(string part, long max, int recordBytes)
    {
        int at = Position;
        ulong count = UInt64(part);
        if (count > (ulong)max)
            throw Error(part, at, $"{count} is more than {max}");
        if (count > (ulong)(Remaining / recordBytes))
            throw Error(part, at, $"{count} does not fit into the {Remaining} bytes that follow{CutNote}");
        return (int)count;
    }

    /// <summary>Reads a name: 1 to <paramref name="max"/> bytes of UTF-8 without NUL.</summary>
    public string Text(string part, int max)
    {
        int at = Position;
        ulong length = UInt64(part);
        if (length == 0 || length > (ulong)max)
            throw Error(part, at, $"its length {length} is not in 1..{max}");
        ReadOnlySpan<byte> text = Bytes((int)length, part);
        if (!Utf8.IsValid(text))
            throw Error(part, at, "it is not UTF-8");
        // llama.cpp would take it for the end, and two names for one.
        if (text.Contains((byte)0))
            throw Error(part, at, "it has a NUL in it");
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>Passes over a string and gives its length in bytes.</summary>
    public int SkipString(string part)
    {
        int at = Position;
        ulong length = UInt64(part);
        if (length > (ulong)Remaining)
            throw Error(part, at, $"its length {length} passes the {Remaining} bytes that follow{CutNote}");
        Position += (int)length;
        return (int)length;
    }

    /// <summary>Passes over the strings of an array.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, over a whole vocabulary
    public void SkipStrings(int count)
    {
        for (int i = 0; i < count; i++)
        {
            int at = Position;
            if (Remaining >= 8)
                Need(at + 8);
            ulong length = Remaining >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(_bytes[at..]) : ulong.MaxValue;
            if (length > (ulong)(Remaining - 8))
                throw Error($"element {i.ToString(CultureInfo.InvariantCulture)}", at, $"the string passes the end{CutNote}");
            Position = at + 8 + (int)length;
        }
    }

    /// <summary>Reads bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int count, string part)
    {
        if (count > Remaining)
            throw Error(part, Position, $"{count} bytes are wanted and {Remaining} are left{CutNote}");
        Need(Position + count);
        ReadOnlySpan<byte> read = _bytes.Slice(Position, count);
        Position += count;
        return read;
    }

    private void Need(int end)
    {
        if (end <= _there)
            return;
        _head!.Fill(end);
        _there = _head.Filled;
    }

    private readonly string CutNote => _cut
        ? $" (VAI reads headers of up to {GgufLimits.MaxHeaderBytes} bytes)"
        : $" (the file has {_bytes.Length} bytes)";
}
