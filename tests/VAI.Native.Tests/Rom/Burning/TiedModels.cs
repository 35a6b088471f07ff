using VAI.Forge;
using VAI.Native.Source;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Forged models with tied embeddings; of the llamas the forge ties none.</summary>
internal static class TiedModels
{
    /// <summary>Length of an entry of the tensor table: name, rank, two dimensions, type, offset.</summary>
    private const int EntryBytes = 8 + 13 + 4 + 16 + 4 + 8;

    /// <summary>A tied model of a shape's family.</summary>
    public static string Get(RomModels models, string shape, ForgeType type)
    {
        string file = models.Get(shape, type);
        string tied = file.Replace(".gguf", "-tied.gguf");
        using var model = ModelSource.Open(file);
        if (!model.Header.TryGetTensor("output.weight", out GgufTensor output))
            return file;
        if (!File.Exists(tied))
            WriteWithout(model, output, tied);
        return tied;
    }

    // The output is the last tensor, in the table and behind it.
    private static void WriteWithout(ModelSource model, GgufTensor output, string tied)
    {
        byte[] head = model.Header.Head.ToArray();
        int entry = head.AsSpan().LastIndexOf("output.weight"u8) - 8;
        Assert.True(head.AsSpan(entry + EntryBytes).IndexOfAnyExcept((byte)0) < 0, "the output is the last tensor");
        BitConverter.TryWriteBytes(head.AsSpan(8), (ulong)model.Header.Tensors.Count - 1);
        using FileStream stream = File.Create(tied);
        stream.Write(head, 0, entry);
        stream.Write(new byte[-entry & ((int)model.Header.Alignment - 1)]);
        byte[] data = new byte[output.Offset - model.Header.DataOffset];
        model.Read(model.Header.DataOffset, data);
        stream.Write(data);
    }
}
