using System.Text;
using VAI.Native.Gguf;

namespace VAI.Cli.Tests;

/// <summary>Changes one thing about a GGUF file and leaves the rest as it is.</summary>
internal static class SplitFiles
{
    /// <summary>Gives a key a number of a type, by its short name.</summary>
    public static void Set(string file, string key, string type, long value) => Rewrite(file, (k, v) => k != key ? v : type switch
    {
        "u16" => [.. BitConverter.GetBytes((uint)GgufValueType.UInt16), .. BitConverter.GetBytes((ushort)value)],
        "u32" => [.. BitConverter.GetBytes((uint)GgufValueType.UInt32), .. BitConverter.GetBytes((uint)value)],
        _ => [.. BitConverter.GetBytes((uint)GgufValueType.Int32), .. BitConverter.GetBytes((int)value)],
    });

    /// <summary>Takes keys away.</summary>
    public static void Remove(string file, params string[] keys) => Rewrite(file, (k, v) => keys.Contains(k) ? null : v);

    /// <summary>Adds a text.</summary>
    public static void AddText(string file, string key, string text) =>
        Rewrite(file, (_, v) => v, [(key, [.. BitConverter.GetBytes((uint)GgufValueType.String), .. Text(text)])]);

    public static string FirstTensor(string file)
    {
        using var gguf = GgufFile.Open(file);
        return gguf.Tensors[0].Name;
    }

    public static void RenameFirstTensor(string file, string name) => Rewrite(file, (_, v) => v, firstTensor: name);

    private static void Rewrite(
        string file, Func<string, byte[], byte[]?> change, IReadOnlyList<(string Key, byte[] Value)>? more = null, string? firstTensor = null)
    {
        byte[] all = File.ReadAllBytes(file);
        using var gguf = GgufFile.Parse(all, file);
        (string Key, byte[] Value)[] entries =
        [
            .. gguf.Entries.Select(e => (e.Key, Value: change(e.Key, gguf.TypeAndValue(e).ToArray()))).Where(e => e.Value is not null)
                .Select(e => (e.Key, e.Value!)),
            .. more ?? [],
        ];
        using var to = new MemoryStream();
        var writer = new BinaryWriter(to);
        writer.Write("GGUF"u8);
        writer.Write(gguf.Version);
        writer.Write((ulong)gguf.Tensors.Count);
        writer.Write((ulong)entries.Length);
        foreach ((string key, byte[] value) in entries)
        {
            writer.Write(Text(key));
            writer.Write(value);
        }

        foreach ((GgufTensor tensor, int i) in gguf.Tensors.Select((t, i) => (t, i)))
        {
            writer.Write(Text(i == 0 && firstTensor is not null ? firstTensor : tensor.Name));
            writer.Write(tensor.Rank);
            foreach (ulong dimension in new[] { tensor.D0, tensor.D1, tensor.D2, tensor.D3 }.Take(tensor.Rank))
                writer.Write(dimension);
            writer.Write((uint)tensor.Type);
            writer.Write((ulong)(tensor.Offset - gguf.DataOffset));
        }

        writer.Write(new byte[-(int)to.Length & ((int)gguf.Alignment - 1)]);
        writer.Write(all.AsSpan((int)gguf.DataOffset));
        File.WriteAllBytes(file, to.ToArray());
    }

    private static byte[] Text(string text) => [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];
}
