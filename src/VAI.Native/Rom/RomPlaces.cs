using VAI.Native.Llama;

namespace VAI.Native.Rom;

/// <summary>
/// Which buffer each tensor lies in, and where. An image is laid only over buffers that llama.cpp filled in the same order
/// as when it was burned.
/// </summary>
internal sealed class RomPlaces
{
    private readonly List<string> _lines = [];
    private readonly List<LlamaBuffer> _buffers = [];

    public IReadOnlyList<LlamaBuffer> Buffers => _buffers;

    /// <summary>A key of all places, whatever order they came in.</summary>
    public byte[] Digest
    {
        get
        {
            _lines.Sort(StringComparer.Ordinal);
            return RomKey.Of(string.Join('\n', _lines), RomLayout.PlacesBytes);
        }
    }

    /// <summary>Notes a tensor.</summary>
    /// <returns>Whether it is the first of its buffer.</returns>
    public bool Add(LlamaTensor tensor)
    {
        LlamaBuffer buffer = tensor.Buffer;
        bool first = !_buffers.Contains(buffer);
        if (first)
            _buffers.Add(buffer);
        _lines.Add($"{tensor.Name}\t{buffer.Type}\t{buffer.Length}\t{tensor.OffsetInBuffer}\t{tensor.Bytes}");
        return first;
    }
}
