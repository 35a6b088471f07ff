using System.Buffers.Binary;

namespace VAI.Native.Gguf;

/// <summary>Walks the strings of an array that the reader has checked: `foreach (ReadOnlySpan&lt;byte&gt; text in strings)`.</summary>
internal ref struct GgufStrings
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _next;

    /// <summary>Starts before the first string.</summary>
    public GgufStrings(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The bytes of the string, UTF-8 by the specification, unchecked.</summary>
    public ReadOnlySpan<byte> Current { readonly get; private set; }

    /// <summary>Goes on to the next string.</summary>
    public bool MoveNext()
    {
        if (_next >= _bytes.Length)
            return false;
        int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_next..]));
        Current = _bytes.Slice(_next + 8, length);
        _next += 8 + length;
        return true;
    }

    /// <summary>For foreach.</summary>
    public readonly GgufStrings GetEnumerator() => this;
}
