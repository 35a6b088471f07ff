using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Source;

namespace VAI.Native.Rom;

/// <summary>What a fill has written.</summary>
/// <param name="ImageBytes">Length of the image.</param>
/// <param name="Sections">One for each buffer; none in a plain image.</param>
/// <param name="Places">Digest of the tensors' places.</param>
/// <param name="Tied">The output matrix that the token embeddings are taken out of, with its layout.</param>
internal sealed record RomFilled(long ImageBytes, IReadOnlyList<RomSection> Sections, byte[] Places, TiedOutput? Tied = null);

/// <summary>Writes an image's bytes, all but the header page. The last to read the source, whose page cache it gives back behind itself.</summary>
internal sealed unsafe class RomFill(SafeFileHandle image, RomDirectory directory, ModelSource source, RomWork work, CancellationToken cancellationToken)
{
    // Where a buffer of glibc's begins in its page when it has a mapping of its own: behind 16 bytes of the allocator,
    // aligned to 64. Smaller buffers begin anywhere, and are copied.
    internal const int Phase = 64;
    private const int Slice = ModelSource.Slice;
    private readonly GgufFile _header = source.Header;
    private long _reserved;

    /// <summary>Why this model's packing is not to be trusted; null if it is.</summary>
    public string? Distrust { get; private set; }

    /// <summary>The whole GGUF, as it is.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomNoSpace"/>.</exception>
    public RomFilled Plain()
    {
        long bytes = RomLayout.Page + RomLayout.PageUp(source.Length);
        Reserve(0, bytes);
        byte[] buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(Slice, source.Length));
        for (long at = 0; at < source.Length; at += buffer.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<byte> slice = buffer.AsSpan(0, (int)Math.Min(buffer.Length, source.Length - at));
            source.Read(at, slice);
            source.Drop(at, slice.Length);
            RandomAccess.Write(image, slice, RomLayout.Page + at);
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
    /// <param name="packing">What to pack.</param>
    /// <param name="tied">The output matrix to make of the token embeddings, which are left out then.</param>
    public RomFilled? Packed(IReadOnlyList<PackedTensors> packing, TiedOutput? tied = null)
    {
        ReadOnlySpan<byte> metadata = _header.Head;
        long next = RomLayout.Page + RomLayout.PageUp(metadata.Length);

        // Before anything is packed, so that a full directory is found at once.
        Reserve(0, next + _header.Tensors.Sum(t => t.Bytes));
        RandomAccess.Write(image, metadata, RomLayout.Page);
        var places = new RomPlaces();
        var sections = new Dictionary<LlamaBuffer, RomSection>();
        var laid = new Laid();
        string[] packed = [.. packing.Select(p => p.BufferTypeName)];
        using var staging = new Staging();
        long done = 0;
        TiedOutput? found = null;
        using LlamaModel model = ModelLoad.FromMetadata(metadata, source.Path, packing, Visit, Finish, laid, tied);
        if (tied is not null && found is null)
            Distrust ??= "llama.cpp does not ask for an output matrix";
        return Distrust is null && Check(sections.Values) ? new RomFilled(next, [.. sections.Values], places.Digest, found) : null;

        void Visit(LlamaTensor tensor)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Distrust is not null)
                return;
            bool isOutput = tied is not null && tensor.Name == TiedOutput.Name;
            bool isEmpty = tied is not null && tensor.Name == TiedOutput.Embeddings;
            if (!_header.TryGetTensor(isOutput ? TiedOutput.Embeddings : tensor.Name, out GgufTensor data) || data.Bytes != tensor.Bytes)
            {
                Distrust = $"llama.cpp asks for a tensor {tensor.Name} that the file does not have so";
                return;
            }

            if (places.Add(tensor))
                Begin(tensor, isEmpty);
            else if (isEmpty)
                Distrust = "its token embeddings are not the first tensor of their buffer";
            if (isEmpty)
                return;

            // What is packed is set as a whole; the rest lies in memory as in the file.
            if (!packed.Contains(tensor.Buffer.Type))
            {
                Load(data, tensor.Data, done);
            }
            else
            {
                byte* bytes = staging.For(data.Bytes);
                Load(data, bytes, done);
                tensor.Set(bytes);
                if (isOutput)
                    found = LayoutOf(tensor, bytes);
            }

            done += data.Bytes;
            work.Report(RomBurnPhase.Filling, done);
        }

        void Begin(LlamaTensor tensor, bool isEmpty)
        {
            LlamaBuffer buffer = tensor.Buffer;
            var section = new RomSection(next + Phase, buffer.Length, Phase, buffer.Type);
            if (isEmpty)
                section = section.WithHole(tensor.OffsetInBuffer, tensor.Bytes);
            long end = RomLayout.PageUp(section.End);
            Reserve(next, end);
            next = end;
            sections.Add(buffer, section);
            foreach ((long at, long offset, long bytes) in section.Parts)
            {
                if (PageOverlay.Lay(image, offset, buffer.Start + at, bytes, writable: true) is { } pages)
                    laid.Add(pages);
            }

            // What is left of it at both ends of the hole is in the image, and what was in memory there is nobody's to read.
            if (isEmpty)
            {
                long start = tensor.OffsetInBuffer, stop = start + tensor.Bytes;
                long first = section.HoleBytes > 0 ? section.HoleAt : stop;
                NativeMemory.Clear(buffer.Start + start, (nuint)(first - start));
                NativeMemory.Clear(buffer.Start + first + section.HoleBytes, (nuint)(stop - first - section.HoleBytes));
            }
        }

        TiedOutput? LayoutOf(LlamaTensor tensor, byte* bytes)
        {
            byte* packed = tensor.Data;
            TiedOutput? layout = RomTied.Layouts(tied!).FirstOrDefault(o => new EmbeddingRows(o, packed).Are(bytes));
            if (layout is null)
                Distrust = "its rows cannot be taken out of the packed output matrix";
            return layout;
        }

        // What no page covers is written from llama.cpp's own memory.
        void Finish()
        {
            foreach ((LlamaBuffer buffer, RomSection section) in sections)
            {
                foreach ((long at, long offset, long bytes) in section.Parts)
                {
                    byte* start = buffer.Start + at;
                    PageOverlay? pages = laid.Find(p => p.Start >= (nint)start && p.Start < (nint)start + bytes);
                    long before = pages is null ? bytes : pages.Start - (nint)start;
                    long after = pages is null ? bytes : before + (long)pages.Length;
                    Write(start, before, offset);
                    Write(start + after, bytes - after, offset + after);
                }
            }

            Truncate(next);
        }
    }

    private void Load(in GgufTensor tensor, byte* to, long done)
    {
        for (long at = 0; at < tensor.Bytes; at += Slice)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int bytes = (int)Math.Min(Slice, tensor.Bytes - at);
            source.Read(tensor.Offset + at, new Span<byte>(to + at, bytes));
            source.Drop(tensor.Offset + at, bytes);
            work.Report(RomBurnPhase.Filling, done + at);
        }
    }

    private bool Check(IEnumerable<RomSection> sections)
    {
        RomSection[] all = [.. sections];
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
        // Those that there are, first: they take half of the time that as many small ones take when they are first written.
        if (directory.IsInMemory && to > _reserved && LibcNative.ftruncate(image, to) == 0)
        {
            HugePages.Fill(image, _reserved, to, cancellationToken);
            _reserved = to;
        }

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

    /// <summary>Room for the largest tensor so far.</summary>
    private sealed class Staging : IDisposable
    {
        private AnonymousMemory? _memory;

        public byte* For(long bytes)
        {
            if (_memory is null || _memory.Length < bytes)
            {
                _memory?.Dispose();
                _memory = new AnonymousMemory(bytes);
            }

            return _memory.Start;
        }

        public void Dispose() => _memory?.Dispose();
    }

    private sealed class Laid : List<PageOverlay>, IDisposable
    {
        public void Dispose()
        {
            foreach (PageOverlay pages in this)
                pages.Dispose();
        }
    }
}
