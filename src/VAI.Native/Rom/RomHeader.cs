using VAI.Native.Llama;

namespace VAI.Native.Rom;

/// <summary>How an image holds its weights.</summary>
internal enum RomWeights : byte
{
    /// <summary>The GGUF file as it is; llama.cpp maps it.</summary>
    Plain = 0,

    /// <summary>llama.cpp's buffers as they lie in memory; laid over the buffers of an empty model.</summary>
    Packed = 1,
}

[Flags]
internal enum RomFlags : ushort
{
    None = 0,

    /// <summary>
    /// When burned, a prompt gave the same bits in one batch, in chunks and token by token.
    /// </summary>
    BatchInvariant = 1,

    /// <summary>When burned, the packed kernels gave a row the same bits alone as beside others.</summary>
    RowsAreAlike = 2,
}

/// <summary>One of llama.cpp's buffers in an image.</summary>
/// <param name="Offset">Where its first byte lies in the file.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Phase">Where its first byte lies in a page, in memory as in the file.</param>
/// <param name="BufferType">ggml's name of its kind.</param>
/// <param name="HoleAt">Where in the buffer pages begin that the image does not have, because nothing reads them.</param>
/// <param name="HoleBytes">Their length; 0 for none.</param>
internal sealed record RomSection(long Offset, long Bytes, int Phase, string BufferType, long HoleAt = 0, long HoleBytes = 0)
{
    /// <summary>Where its last byte's successor lies in the file.</summary>
    public long End => Offset + Bytes - HoleBytes;

    /// <summary>What lies before and after the hole: where in the buffer, where in the file, how much.</summary>
    public IEnumerable<(long At, long Offset, long Bytes)> Parts
    {
        get
        {
            if (HoleAt > 0)
                yield return (0, Offset, HoleAt);
            long after = HoleAt + HoleBytes;
            if (after < Bytes)
                yield return (after, Offset + HoleAt, Bytes - after);
        }
    }

    /// <summary>Where a tensor of the buffer lies in the file; null for one that reaches into the hole.</summary>
    /// <param name="at">Where it lies in the buffer.</param>
    /// <param name="bytes">Its length.</param>
    public long? InFile(long at, long bytes) =>
        HoleBytes == 0 || at + bytes <= HoleAt ? Offset + at
        : at >= HoleAt + HoleBytes ? Offset + at - HoleBytes
        : null;

    /// <summary>Leaves out the whole pages of a part of the buffer.</summary>
    public RomSection WithHole(long at, long bytes)
    {
        long first = RomLayout.PageUp(Phase + at) - Phase;
        long end = RomLayout.PageUp(Phase + at + bytes - (RomLayout.Page - 1)) - Phase;
        return end > first ? this with { HoleAt = first, HoleBytes = end - first } : this;
    }
}

/// <summary>What the first page of an image says.</summary>
internal sealed record RomHeader
{
    public required RomProfile Profile { get; init; }
    public required RomWeights Weights { get; init; }
    public RomFlags Flags { get; init; }

    /// <summary>Length of the file.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Length of the GGUF head, which follows the header page.</summary>
    public required long MetadataBytes { get; init; }
    public required uint MetadataCrc { get; init; }

    /// <summary>SHA-256 of everything after the header page.</summary>
    public required byte[] ImageDigest { get; init; }

    /// <summary>SHA-256 of the source file: what the model is known by.</summary>
    public required byte[] SourceDigest { get; init; }
    public required RomSource Source { get; init; }
    public required DateTimeOffset BurnedAt { get; init; }
    public TimeSpan BurnTime { get; init; }

    /// <summary>Digest of every tensor's name, buffer and place in it.</summary>
    public byte[] Places { get; init; } = new byte[RomLayout.PlacesBytes];

    /// <summary>The llama.cpp build that packed it.</summary>
    public required string Build { get; init; }

    /// <summary>The library of CPU kernels that it is packed for.</summary>
    public required string Cpu { get; init; }

    /// <summary>The name it was first burned under.</summary>
    public required string Name { get; init; }

    /// <summary>Why the weights, or the output matrix, are plain though the profile is fast; empty otherwise.</summary>
    public string Note { get; init; } = "";

    /// <summary>Buffer types and the patterns of the tensors packed into them.</summary>
    public IReadOnlyList<(string BufferType, string Pattern)> Packing { get; init; } = [];
    public IReadOnlyList<RomSection> Sections { get; init; } = [];

    /// <summary>
    /// Rows of a step, one of each sequence, up to which a row has the bits that it has alone, as far as the packed weights go. llama.cpp's
    /// repacked kernels take four rows together, and what is left one by one: up to three are what one is.
    /// </summary>
    public int AlikeRows => Weights == RomWeights.Plain || (Flags & RomFlags.RowsAreAlike) != 0 ? int.MaxValue
        : Packing.All(p => p.BufferType == "CPU_REPACK") ? 3 : 1;

    /// <summary>The packed output matrix that the token embeddings are taken out of; null in every other image.</summary>
    public TiedOutput? Tied { get; init; }
}
