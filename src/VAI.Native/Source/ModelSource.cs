using System.Security.Cryptography;
using VAI.Native.Gguf;
using VAI.Native.Memory;

namespace VAI.Native.Source;

/// <summary>
/// A model's bytes as one GGUF, whether it is one file or several parts: what is inspected, planned with and burned. Read, never
/// mapped. Safe for concurrent reads; not during or after disposal.
/// </summary>
internal sealed class ModelSource : IDisposable
{
    /// <summary>What is read at once.</summary>
    public const int Slice = 8 << 20;

    private readonly RegularFile[] _files;
    private readonly byte[] _joined;
    private readonly Extent[] _extents;

    private ModelSource(RegularFile[] files, GgufFile header, byte[] joined, Extent[] extents, long length)
    {
        _files = files;
        _joined = joined;
        _extents = extents;
        Header = header;
        Length = length;
    }

    /// <summary>The path as given: of the file, or of the first part.</summary>
    public string Path => _files[0].Path;

    /// <summary>How many files it is.</summary>
    public int Parts => _files.Length;

    /// <summary>The head of the one GGUF.</summary>
    public GgufFile Header { get; }

    /// <summary>Length of the one GGUF, in bytes.</summary>
    public long Length { get; }

    /// <summary>Opens a file, or all parts of a model whose first part it is, and checks their structure.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>: names the file; <see cref="VaiError.InvalidOption"/>:
    /// it is not the first part.
    /// </exception>
    /// <exception cref="VaiModelException">
    /// <see cref="VaiError.MalformedModel"/>, or <see cref="VaiError.InvalidModel"/>: the parts are not those of one model.
    /// </exception>
    public static ModelSource Open(string path)
    {
        var files = new List<RegularFile>();
        var heads = new List<GgufFile>();
        try
        {
            files.Add(RegularFile.Open(path));
            GgufSplit.CheckName(path);
            heads.Add(GgufFile.Open(files[0]));
            int count = GgufSplit.Count(heads[0]);
            if (count == 1)
                return new ModelSource([.. files], heads[0], [], [new Extent(0, files[0].Length, 0, 0)], files[0].Length);

            SplitName name = SplitName.Of(path)!.Value;
            for (int number = 2; number <= count; number++)
            {
                files.Add(GgufSplit.Open(name, number));
                heads.Add(GgufFile.Open(files[^1]));
                GgufSplit.CheckPart(heads[^1], number, count, heads[0]);
            }

            GgufSplit.CheckTensors(heads);
            byte[] head = JoinedHead.Write(heads, out Extent[] extents, out long length);
            var header = GgufFile.ParseHead(ByteView.Over(head), files.Sum(f => f.Length), path);
            heads.ForEach(h => h.Dispose());
            return new ModelSource([.. files], header, head, extents, length);
        }
        catch
        {
            heads.ForEach(h => h.Dispose());
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <summary>Reads the bytes from <paramref name="offset"/> on until the span is full.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the model.</exception>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotReadable"/>: a file was shortened, or cannot be read.</exception>
    public void Read(long offset, Span<byte> to)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to.Length, Length - offset);
        if (offset < _joined.Length)
        {
            int head = (int)Math.Min(to.Length, _joined.Length - offset);
            _joined.AsSpan((int)offset, head).CopyTo(to);
            offset += head;
            to = to[head..];
        }

        for (int i = IndexOf(offset); to.Length > 0; i++)
        {
            // What lies between tensors is padding.
            long next = i < _extents.Length ? _extents[i].At : Length;
            if (next > offset)
            {
                int gap = (int)Math.Min(to.Length, next - offset);
                to[..gap].Clear();
                offset += gap;
                to = to[gap..];
            }

            if (to.Length == 0)
                return;
            Extent extent = _extents[i];
            int part = (int)Math.Min(to.Length, extent.At + extent.Bytes - offset);
            _files[extent.Part].Read(extent.Offset + (offset - extent.At), to[..part]);
            offset += part;
            to = to[part..];
        }
    }

    /// <summary>SHA-256 of the one GGUF: what the model is known by.</summary>
    /// <param name="progress">Told the bytes read so far.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotReadable"/>.</exception>
    public byte[] Digest(Action<long>? progress, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(Slice, Length));
        for (long at = 0; at < Length; at += buffer.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Invoke(at);
            Span<byte> slice = buffer.AsSpan(0, (int)Math.Min(buffer.Length, Length - at));
            Read(at, slice);
            hash.AppendData(slice);
        }

        progress?.Invoke(Length);
        return hash.GetHashAndReset();
    }

    /// <summary>Gives back the page cache of bytes that are not read again. Best effort.</summary>
    public void Drop(long offset, long bytes)
    {
        for (int i = IndexOf(offset); i < _extents.Length && _extents[i].At < offset + bytes; i++)
        {
            Extent extent = _extents[i];
            long from = Math.Max(offset, extent.At), to = Math.Min(offset + bytes, extent.At + extent.Bytes);
            if (to > from)
                _files[extent.Part].Drop(extent.Offset + (from - extent.At), to - from);
        }
    }

    /// <summary>Gives back the page cache of all files. Best effort.</summary>
    public void DropAll()
    {
        foreach (RegularFile file in _files)
            file.Drop(0, 0);
    }

    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotReadable"/>: a file was written to since it was opened.</exception>
    public void CheckUnchanged()
    {
        if (Array.Find(_files, f => !f.IsUnchanged()) is { } changed)
            throw Changed(changed.Path);
    }

    /// <summary>A file is not the one that it was.</summary>
    public static VaiUsageException Changed(string path) => new(
        VaiError.FileNotReadable, $"{path}: the file was changed while it was burned. Burn it again when it is complete.");

    /// <inheritdoc/>
    public void Dispose()
    {
        Header.Dispose();
        foreach (RegularFile file in _files)
            file.Dispose();
    }

    // The first extent that ends after the offset.
    private int IndexOf(long offset)
    {
        int low = 0, high = _extents.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_extents[middle].At + _extents[middle].Bytes > offset)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }
}
