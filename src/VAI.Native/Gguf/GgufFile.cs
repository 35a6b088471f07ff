using VAI.Native.Memory;

namespace VAI.Native.Gguf;

/// <summary>
/// A GGUF file whose whole structure has been checked. Values stay in the file and are read when asked for.
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

    private GgufFile(ByteView view, long length, string path)
    {
        _view = view;
        Length = length;
        Path = path;
        var parser = new GgufParser(view.Slice(0, (int)Math.Min(view.Length, GgufLimits.MaxHeaderBytes)), length, path);
        parser.Run();
        Version = parser.Version;
        Alignment = parser.Alignment;
        DataOffset = parser.DataOffset;
        Entries = parser.Entries;
        Tensors = parser.Tensors;
        _entryIndex = parser.EntryIndex;
        _tensorIndex = parser.TensorIndex;
    }

    /// <summary>The path as given, or the name given to <see cref="Parse"/>.</summary>
    public string Path { get; }

    /// <summary>2 or 3.</summary>
    public uint Version { get; }

    /// <summary>Alignment of tensor data in bytes, a power of two.</summary>
    public uint Alignment { get; }

    /// <summary>The file's length in bytes.</summary>
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

    /// <summary>Maps a file and checks its structure.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.
    /// </exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>: names the field and the byte.</exception>
    public static GgufFile Open(string path)
    {
        var view = MappedFile.Open(path);
        return Create(view, view.Length, path);
    }

    /// <summary>Does as <see cref="Open"/> does, over bytes in memory.</summary>
    /// <param name="bytes">The file. It is pinned until disposal.</param>
    /// <param name="name">Stands for the path in errors.</param>
    public static GgufFile Parse(ReadOnlyMemory<byte> bytes, string name) => Create(ByteView.Over(bytes), bytes.Length, name);

    /// <summary>Reads the head of a file whose tensor data is kept elsewhere, so that <see cref="Slice"/> reaches the head only.</summary>
    /// <param name="head">Everything before the tensor data; disposed with the result.</param>
    /// <param name="fileLength">Length of the whole file.</param>
    /// <param name="name">Stands for the path in errors.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.MalformedModel"/>.</exception>
    public static GgufFile ParseHead(ByteView head, long fileLength, string name) => Create(head, fileLength, name);

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

    /// <summary>All bytes there are, valid until disposal.</summary>
    internal ByteView Bytes => _view;

    /// <summary>Bytes of the file, valid until disposal.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length) => _view.Slice(offset, length);

    /// <inheritdoc/>
    public void Dispose() => _view.Dispose();

    private static GgufFile Create(ByteView view, long length, string path)
    {
        try
        {
            return new GgufFile(view, length, path);
        }
        catch
        {
            view.Dispose();
            throw;
        }
    }
}
