using System.IO.MemoryMappedFiles;

namespace VAI.Native.Memory;

/// <summary>A regular file mapped read-only. Spans over it are bounded and valid until disposal.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _base;

    private MappedFile(MemoryMappedFile map, MemoryMappedViewAccessor view, long length)
    {
        _map = map;
        _view = view;
        Length = length;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _base);
        _base += _view.PointerOffset;
    }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    internal byte* Pointer => _base;

    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/>: no such regular file.</exception>
    /// <exception cref="VaiModelException">
    /// <see cref="VaiError.FileNotReadable"/>, or <see cref="VaiError.MalformedModel"/> for an empty file.
    /// </exception>
    public static MappedFile Open(string path)
    {
        try
        {
            // Opening a pipe or a device would block or do worse: only a regular file goes further.
            FileAttributes attributes = File.GetAttributes(path);
            if ((attributes & (FileAttributes.Directory | FileAttributes.Device)) != 0)
                throw new VaiUsageException(VaiError.FileNotFound, $"'{path}' is not a regular file. Name a GGUF file.");
            if (new FileInfo(path).Length == 0)
                throw new VaiModelException(VaiError.MalformedModel, $"'{path}' is empty or no regular file. Download it again.");
            var map = MemoryMappedFile.CreateFromFile(
                new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete),
                mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            MemoryMappedViewAccessor view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            return new MappedFile(map, view, new FileInfo(path).Length);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or ArgumentException)
        {
            throw new VaiUsageException(VaiError.FileNotFound, $"'{path}' does not exist. Check the path.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new VaiModelException(
                VaiError.FileNotReadable, $"'{path}' could not be opened: {e.Message} Check its permissions.", e);
        }
    }

    /// <summary>A part of the file.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_base is null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset));
        return new ReadOnlySpan<byte>(_base + offset, length);
    }

    public void Dispose()
    {
        if (_base is null)
            return;
        _base = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
