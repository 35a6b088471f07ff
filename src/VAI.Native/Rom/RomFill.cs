using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>What a fill has written.</summary>
/// <param name="ImageBytes">Length of the image.</param>
/// <param name="Sections">One for each buffer; none in a plain image.</param>
/// <param name="Places">Digest of the tensors' places.</param>
internal sealed record RomFilled(long ImageBytes, IReadOnlyList<RomSection> Sections, byte[] Places);

/// <summary>Writes an image's bytes, all but the header page.</summary>
internal sealed unsafe class RomFill(SafeFileHandle image, RomDirectory directory, GgufFile source, RomWork work, CancellationToken cancellationToken)
{
    // Where a buffer of glibc's begins in its page when it has a mapping of its own: behind 16 bytes of the allocator,
    // aligned to 64. Smaller buffers begin anywhere, and are copied.
    internal const int Phase = 64;
    private const int Slice = 8 << 20;

    /// <summary>Why this model's packing is not to be trusted; null if it is.</summary>
    public string? Distrust { get; private set; }

    /// <summary>The whole GGUF file, as it is.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomNoSpace"/>.</exception>
    public RomFilled Plain()
    {
        long bytes = RomLayout.Page + RomLayout.PageUp(source.Length);
        Reserve(0, bytes);
        for (long at = 0; at < source.Length; at += Slice)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RandomAccess.Write(image, source.Slice(at, (int)Math.Min(Slice, source.Length - at)), RomLayout.Page + at);
            work.Report(RomBurnPhase.Filling, at);
        }

        Truncate(bytes);
        return new RomFilled(bytes, [], new byte[RomLayout.PlacesBytes]);
    }

    /// <summary>
    /// llama.cpp's buffers, packed. Their pages are the image's while llama.cpp fills them, so that no copy is made.
    /// </summary>
    /// <returns>Null if the model cannot be trusted to this path; <see cref="Distrust"/> says why.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomNoSpace"/>.</exception>
    public RomFilled? Packed(IReadOnlyList<PackedTensors> packing)
    {
        ReadOnlySpan<byte> metadata = source.Slice(0, (int)source.DataOffset);
        long next = RomLayout.Page + RomLayout.PageUp(metadata.Length);

        // Before anything is packed, so that a full directory is found at once.
        Reserve(0, next + source.Tensors.Sum(t => t.Bytes));
        RandomAccess.Write(image, metadata, RomLayout.Page);
        var places = new RomPlaces();
        var sections = new Dictionary<LlamaBuffer, (RomSection Section, PageOverlay? Pages)>();
        var laid = new Laid();
        long done = 0;
        using LlamaModel model = ModelLoad.FromMetadata(metadata, source.Path, packing, Visit, Finish, laid);
        return Distrust is null && Check(sections.Values)
            ? new RomFilled(next, [.. sections.Values.Select(s => s.Section)], places.Digest) : null;

        void Visit(LlamaTensor tensor)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Distrust is not null)
                return;
            if (!source.TryGetTensor(tensor.Name, out GgufTensor data) || data.Bytes != tensor.Bytes)
            {
                Distrust = $"llama.cpp asks for a tensor {tensor.Name} that the file does not have so";
                return;
            }

            if (places.Add(tensor))
                Begin(tensor.Buffer);

            // The gate has checked that the data lies inside the file.
            fixed (byte* bytes = source.Slice(data.Offset, 1))
                tensor.Set(bytes);
            done += data.Bytes;
            work.Report(RomBurnPhase.Filling, done);
        }

        void Begin(LlamaBuffer buffer)
        {
            var section = new RomSection(next + Phase, buffer.Length, Phase, buffer.Type);
            long end = RomLayout.PageUp(section.End);
            Reserve(next, end);
            next = end;
            var pages = PageOverlay.Lay(image, section.Offset, buffer.Start, section.Bytes, writable: true);
            sections.Add(buffer, (section, pages));
            if (pages is not null)
                laid.Add(pages);
        }

        // What no page covers is written from llama.cpp's own memory.
        void Finish()
        {
            foreach ((LlamaBuffer buffer, (RomSection section, PageOverlay? pages)) in sections)
            {
                long before = pages is null ? section.Bytes : pages.Start - (nint)buffer.Start;
                long after = pages is null ? section.Bytes : before + (long)pages.Length;
                Write(buffer.Start, before, section.Offset);
                Write(buffer.Start + after, section.Bytes - after, section.Offset + after);
            }

            Truncate(next);
        }
    }

    private bool Check(IEnumerable<(RomSection Section, PageOverlay? Pages)> sections)
    {
        RomSection[] all = [.. sections.Select(s => s.Section)];
        if (all.Length > RomLayout.MaxSections || all.Select(s => (s.BufferType, s.Bytes)).Distinct().Count() < all.Length)
            Distrust = $"llama.cpp spreads it over {all.Length} buffers that cannot be told apart";
        return Distrust is null;
    }

    private void Write(byte* from, long bytes, long offset)
    {
        for (long at = 0; at < bytes; at += Slice)
            RandomAccess.Write(image, new ReadOnlySpan<byte>(from + at, (int)Math.Min(Slice, bytes - at)), offset + at);
    }

    // Pages that are mapped before they exist would be a SIGBUS when the file system is full.
    private void Reserve(long from, long to)
    {
        if (LibcNative.fallocate(image, 0, from, to - from) == 0)
            return;
        int error = Marshal.GetLastPInvokeError();
        if (error is LibcNative.ENOSPC or LibcNative.EDQUOT)
            throw directory.NoSpace(to);
        if (error != LibcNative.EOPNOTSUPP)
            throw Failed($"cannot be given {to} bytes");

        // A file system without reservation: writing zeros is one.
        byte[] zeros = new byte[Slice];
        try
        {
            for (long at = from; at < to; at += Slice)
                RandomAccess.Write(image, zeros.AsSpan(0, (int)Math.Min(Slice, to - at)), at);
        }
        catch (IOException e)
        {
            throw new VaiEngineException(VaiError.RomNoSpace, directory.NoSpace(to).Message, e);
        }
    }

    private void Truncate(long bytes)
    {
        if (LibcNative.ftruncate(image, bytes) != 0)
            throw Failed($"cannot be cut to {bytes} bytes");
    }

    private VaiEngineException Failed(string what) => new(
        VaiError.FileNotWritable, $"{directory.Path}: the image of '{source.Path}' {what} ({Marshal.GetLastPInvokeErrorMessage()}). Check the file system.");

    private sealed class Laid : List<PageOverlay>, IDisposable
    {
        public void Dispose()
        {
            foreach (PageOverlay pages in this)
                pages.Dispose();
        }
    }
}
