using VAI.Native.Memory;

namespace VAI.Native.Gguf;

/// <summary>
/// The head of a GGUF file, whose whole structure has been checked: all that lies before the tensor data. Values stay in its
/// bytes and are read when asked for.
/// </summary>
/// <remarks>
/// Every model file passes here before llama.cpp sees it: llama.cpp aborts the process on some damaged files and
/// accepts some shapes whose size wraps. Safe for concurrent reads; not during or after disposal.
/// </remarks>
internal sealed partial class GgufFile : IDisposable
{
    private readonly ByteView _view;
    private readonly Dictionary<string, int> _entryIndex;
    private readonly Dictionary<string, int> _tensorIndex;

    private GgufFile(ByteView view, long bound, long length, string path)
    {
        _view = view;
        Length = length;
        var head = view as FileHead;
        var parser = new GgufParser(view.Slice(0, (int)Math.Min(view.Length, GgufLimits.MaxHeaderBytes)), bound, path, head);
        parser.Run();
        Path = path;
        Version = parser.Version;
        Alignment = parser.Alignment;
        DataOffset = parser.DataOffset;
        Entries = parser.Entries;
        Tensors = parser.Tensors;
        _entryIndex = parser.EntryIndex;
        _tensorIndex = parser.TensorIndex;
        head?.Keep((int)DataOffset);
    }

    /// <summary>The path as given, or the name given to <see cref="Parse"/>.</summary>
    public string Path { get; }

    /// <summary>2 or 3.</summary>
    public uint Version { get; }

    /// <summary>Alignment of tensor data in bytes, a power of two.</summary>
    public uint Alignment { get; }

    /// <summary>The file's length in bytes; of a model in parts, all of theirs.</summary>
    public long Length { get; }

    /// <summary>
    /// Byte where the tensor data starts, so that bytes 0..DataOffset are the verbatim header with its padding. A file
    /// without tensors may end before the padding: then it is <see cref="Length"/>.
    /// </summary>
    public long DataOffset { get; }

    /// <summary>The metadata in file order.</summary>
    public IReadOnlyList<GgufEntry> Entries { get; }

    /// <summary>The tensors in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Reads a file's head and checks its structure; the file may be one part of a model.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.
    /// </exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>: names the field and the byte.</exception>
    public static GgufFile Open(string path)
    {
        using var file = RegularFile.Open(path);
        return Open(file);
    }

    /// <summary>As the other overload; the file is not needed afterwards.</summary>
    public static GgufFile Open(RegularFile file)
    {
        // The padding behind a header of the greatest length.
        int most = (int)Math.Min(file.Length, GgufLimits.MaxHeaderBytes + (long)GgufLimits.MaxAlignment);
        return Create(new FileHead(file, most), file.Length, file.Length, file.Path);
    }

    /// <summary>Does as <see cref="Open(string)"/> does, over bytes in memory.</summary>
    /// <param name="bytes">The file. It is pinned until disposal.</param>
    /// <param name="name">Stands for the path in errors.</param>
    public static GgufFile Parse(ReadOnlyMemory<byte> bytes, string name) => Create(ByteView.Over(bytes), bytes.Length, bytes.Length, name);

    /// <summary>Reads the head of a model whose tensor data is kept elsewhere, so that where it lies is not bounded here.</summary>
    /// <param name="head">Everything before the tensor data; disposed with the result.</param>
    /// <param name="fileBytes">Length of the file or files it is from.</param>
    /// <param name="name">Stands for the path in errors.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>.</exception>
    public static GgufFile ParseHead(ByteView head, long fileBytes, string name) => Create(head, long.MaxValue, fileBytes, name);

    /// <summary>Finds a metadata value by its key.</summary>
    public bool TryGet(string key, out GgufEntry entry)
    {
        bool found = _entryIndex.TryGetValue(key, out int index);
        entry = found ? Entries[index] : default;
        return found;
    }

    /// <summary>Finds a tensor by its name.</summary>
    public bool TryGetTensor(string name, out GgufTensor tensor)
    {
        bool found = _tensorIndex.TryGetValue(name, out int index);
        tensor = found ? Tensors[index] : default;
        return found;
    }

    /// <summary>Everything before the tensor data, verbatim, valid until disposal.</summary>
    internal ReadOnlySpan<byte> Head => _view.Slice(0, (int)DataOffset);

    /// <summary>Bytes of the head, valid until disposal.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the head.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length) => _view.Slice(offset, length);

    /// <inheritdoc/>
    public void Dispose() => _view.Dispose();

    private static GgufFile Create(ByteView view, long bound, long length, string path)
    {
        try
        {
            return new GgufFile(view, bound, length, path);
        }
        catch
        {
            view.Dispose();
            throw;
        }
    }
}
