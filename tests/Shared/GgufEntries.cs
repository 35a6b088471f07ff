using System.Buffers.Binary;
using System.Text;

namespace VAI.Tests;

/// <summary>A copy of a GGUF file with more metadata in front.</summary>
internal static class GgufEntries
{
    private const int Head = 24;
    private const int Alignment = 32;

    /// <param name="file">The file.</param>
    /// <param name="copy">Where to.</param>
    /// <param name="entries">Keys, with values that are floats, ints (as uint32) or texts.</param>
    public static void Add(string file, string copy, params (string Key, object Value)[] entries)
    {
        byte[] bytes = File.ReadAllBytes(file);
        var added = new MemoryStream();
        using var writer = new BinaryWriter(added);
        foreach ((string key, object value) in entries)
            Write(writer, key, value);

        // What follows keeps its alignment.
        int over = (int)((added.Length + Text("test.padding").Length + 12) % Alignment);
        Write(writer, "test.padding", new string('x', (Alignment - over) % Alignment));
        writer.Flush();
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), count + (ulong)entries.Length + 1);
        File.WriteAllBytes(copy, [.. bytes[..Head], .. added.ToArray(), .. bytes[Head..]]);
    }

    private static void Write(BinaryWriter writer, string key, object value)
    {
        writer.Write(Text(key));
        switch (value)
        {
            case float number:
                writer.Write(6);
                writer.Write(number);
                break;
            case int number:
                writer.Write(4);
                writer.Write(number);
                break;
            default:
                writer.Write(8);
                writer.Write(Text((string)value));
                break;
        }
    }

    private static byte[] Text(string text) => [.. BitConverter.GetBytes((ulong)text.Length), .. Encoding.UTF8.GetBytes(text)];
}
