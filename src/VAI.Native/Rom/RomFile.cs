using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>A sealed image, open for reading, its header checked. No byte of the weights has been read.</summary>
internal sealed class RomFile : IDisposable
{
    private const int DigestSlice = 64 << 20;

    internal RomFile(SafeFileHandle handle, RomHeader header, string path)
    {
        Handle = handle;
        Header = header;
        Path = path;
    }

    public SafeFileHandle Handle { get; }

    public RomHeader Header { get; }

    public string Path { get; }

    /// <summary>Opens an image of a ROM directory.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomNotBurned"/>: there is none.</exception>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RomDamaged"/>, <see cref="VaiError.RomTruncated"/>, <see cref="VaiError.RomTooNew"/> or
    /// <see cref="VaiError.RomDirectoryUnsafe"/>.
    /// </exception>
    public static RomFile Open(string path)
    {
        int descriptor = LibcNative.open(
            path, LibcNative.O_RDONLY | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error switch
            {
                LibcNative.ENOENT => new VaiUsageException(VaiError.RomNotBurned, $"{path}: there is no such ROM. Burn the model first."),
                LibcNative.ELOOP => Unsafe(path, "is a symbolic link"),
                _ => new VaiEngineException(
                    VaiError.FileNotReadable, $"{path}: cannot be opened ({Marshal.GetLastPInvokeErrorMessage()}). Check its permissions."),
            };
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            return new RomFile(handle, ReadHeader(handle, path), path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Checks that this process's llama.cpp and CPU are those that the weights were packed for.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomMismatch"/>.</exception>
    public void CheckBuild()
    {
        (string build, string cpu) = RomBuild.Current;
        if (Header.Weights == RomWeights.Packed && (Header.Build, Header.Cpu) != (build, cpu))
        {
            throw new VaiEngineException(
                VaiError.RomMismatch,
                $"{Path}: '{Header.Name}' was packed by llama.cpp {Header.Build} for {Header.Cpu}; this process has {build} and {cpu}. Burn it again.");
        }
    }

    /// <summary>Whether a directory has an image of a model with this head, which may be this model's.</summary>
    public static bool IsThere(RomDirectory directory, GgufFile head)
    {
        uint crc = RomHeaderPage.Crc(head.Head);
        return directory.Images().Any(id =>
        {
            try
            {
                using var rom = Open(directory.ImagePath(id));
                return (rom.Header.MetadataBytes, rom.Header.MetadataCrc) == (head.DataOffset, crc);
            }
            catch (VaiException)
            {
                return false;
            }
        });
    }

    /// <summary>Maps the head of the GGUF file and checks it against its checksum.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomDamaged"/>.</exception>
    public MappedRange MapMetadata()
    {
        var metadata = MappedRange.Map(Handle, RomLayout.Page, Header.MetadataBytes, Path);
        if (RomHeaderPage.Crc(metadata.Slice(0, (int)metadata.Length)) == Header.MetadataCrc)
            return metadata;
        metadata.Dispose();
        throw RomHeaderPage.Damaged(Path, "its metadata is not what was burned");
    }

    /// <summary>What the metadata says, in the terms of a GGUF file. Owns its mapping.</summary>
    /// <param name="name">What it is called; null for the file it was burned from.</param>
    public GgufFile ParseMetadata(string? name = null) =>
        GgufFile.ParseHead(MapMetadata(), Header.Source.Bytes, name ?? Header.Source.Path);

    /// <summary>Reads the whole image and compares it with its digest.</summary>
    /// <param name="progress">Told the bytes read so far.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomDamaged"/>: a bit is not what was burned.</exception>
    public void Verify(Action<long>? progress, CancellationToken cancellationToken)
    {
        byte[] digest = DigestOf(Handle, Header.ImageBytes, Path, progress, cancellationToken);
        if (!digest.AsSpan().SequenceEqual(Header.ImageDigest))
        {
            throw RomHeaderPage.Damaged(
                Path, $"its digest is {Convert.ToHexStringLower(digest)[..16]} where {Convert.ToHexStringLower(Header.ImageDigest)[..16]} was burned");
        }
    }

    public void Dispose() => Handle.Dispose();

    /// <summary>SHA-256 of everything after the header page.</summary>
    internal static byte[] DigestOf(
        SafeFileHandle file, long imageBytes, string path, Action<long>? progress, CancellationToken cancellationToken) =>
        DigestOf(file, imageBytes, 0, path, progress, cancellationToken).All;

    /// <summary>As the other overload, and of its first bytes alone.</summary>
    internal static (byte[] All, byte[] First) DigestOf(
        SafeFileHandle file, long imageBytes, long firstBytes, string path, Action<long>? progress, CancellationToken cancellationToken)
    {
        using var image = MappedRange.Map(file, RomLayout.Page, imageBytes - RomLayout.Page, path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(0, firstBytes);
        byte[] first = hash.GetCurrentHash();
        Append(firstBytes, image.Length);
        progress?.Invoke(image.Length);
        return (hash.GetHashAndReset(), first);

        void Append(long from, long to)
        {
            for (long at = from; at < to; at += DigestSlice)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Invoke(at);
                hash.AppendData(image.Slice(at, (int)Math.Min(DigestSlice, to - at)));
            }
        }
    }

    private static RomHeader ReadHeader(SafeFileHandle handle, string path)
    {
        if (!LibcNative.Status(handle, out statx_result status)
            || (status.stx_mode & LibcNative.S_IFMT) != LibcNative.S_IFREG)
        {
            throw Unsafe(path, "is not a regular file");
        }

        if ((status.stx_mode & RomDirectory.OthersMode) != 0)
            throw Unsafe(path, "can be read or written by others");
        Span<byte> page = stackalloc byte[RomLayout.Page];
        int read = RandomAccess.Read(handle, page, 0);
        if (read < page.Length)
            throw Truncated(path, status.stx_size, "a header");
        RomHeader header = RomHeaderPage.Read(page, path);
        return status.stx_size >= header.ImageBytes ? header : throw Truncated(path, status.stx_size, $"{header.ImageBytes} bytes");
    }

    private static VaiEngineException Truncated(string path, long bytes, string wanted) => new(
        VaiError.RomTruncated, $"{path}: the ROM has {bytes} bytes where {wanted} should be: it was cut short. Evict it and burn it again.");

    private static VaiEngineException Unsafe(string path, string what) =>
        new(VaiError.RomDirectoryUnsafe, $"{path}: {what}, so that it is not trusted. Remove it and burn the model again.");
}
