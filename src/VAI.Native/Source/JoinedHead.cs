using System.Buffers;
using VAI.Native.Gguf;

namespace VAI.Native.Source;

/// <summary>A tensor's bytes in a joined model, and where they are.</summary>
/// <param name="At">Where they begin in the joined model.</param>
/// <param name="Bytes">How many.</param>
/// <param name="Part">Which part has them, from 0 on.</param>
/// <param name="Offset">Where in it.</param>
internal readonly record struct Extent(long At, long Bytes, int Part, long Offset);

/// <summary>
/// What a model in parts would begin with were it one file: the first part's metadata without the keys of splitting, and all
/// tensors in their order, one after the other. So a model that was split is the same again, byte for byte, where it was
/// laid out as writers of GGUF do.
/// </summary>
internal static class JoinedHead
{
    private const int FixedBytes = 4 + 4 + 8 + 8;

    /// <param name="parts">The parts in order, checked.</param>
    /// <param name="extents">Where each tensor's bytes are, ascending.</param>
    /// <param name="length">Length of the joined model.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: it would be longer than a file can be.</exception>
    public static byte[] Write(IReadOnlyList<GgufFile> parts, out Extent[] extents, out long length)
    {
        GgufFile first = parts[0];
        var head = new ArrayBufferWriter<byte>(first.Head.Length + FixedBytes);
        head.Write("GGUF"u8);
        head.AppendUInt32(first.Version);
        head.AppendUInt64((ulong)parts.Sum(p => p.Tensors.Count));
        head.AppendUInt64((ulong)first.Entries.Count(e => !GgufSplit.IsKey(e.Key)));
        foreach (GgufEntry entry in first.Entries.Where(e => !GgufSplit.IsKey(e.Key)))
        {
            head.AppendText(entry.Key);
            head.Write(first.TypeAndValue(entry));
        }

        var found = new List<Extent>();
        long at = 0;
        for (int part = 0; part < parts.Count; part++)
        {
            foreach (GgufTensor tensor in parts[part].Tensors)
            {
                found.Add(new Extent(at, tensor.Bytes, part, tensor.Offset));
                Describe(head, tensor, at);
                if (tensor.Bytes > long.MaxValue / 2 - at)
                    throw new VaiModelException(VaiError.InvalidModel, $"{parts[part].Path}: the model would be longer than a file can be. Download it again.");
                at = Aligned(at + tensor.Bytes, first.Alignment);
            }
        }

        byte[] bytes = new byte[Aligned(head.WrittenCount, first.Alignment)];
        head.WrittenSpan.CopyTo(bytes);
        extents = [.. found.Select(e => e with { At = e.At + bytes.Length })];
        length = bytes.Length + at;
        return bytes;
    }

    private static void Describe(ArrayBufferWriter<byte> to, in GgufTensor tensor, long offset)
    {
        to.AppendText(tensor.Name);
        to.AppendUInt32((uint)tensor.Rank);
        ReadOnlySpan<ulong> dimensions = [tensor.D0, tensor.D1, tensor.D2, tensor.D3];
        foreach (ulong dimension in dimensions[..tensor.Rank])
            to.AppendUInt64(dimension);
        to.AppendUInt32((uint)tensor.Type);
        to.AppendUInt64((ulong)offset);
    }

    private static long Aligned(long value, uint alignment) => (value + alignment - 1) & -(long)alignment;
}
