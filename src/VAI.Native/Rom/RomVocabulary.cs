using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>
/// What is made of a ROM's vocabulary and takes a while, in a file beside the image: whoever needs it first leaves it to all others, and it goes with the
/// image. Where it cannot be left or read, each process makes its own.
/// </summary>
internal static class RomVocabulary
{
    private const ulong Magic = 0x31_42_43_4F_56_49_41_56; // "VAIVOCB1"
    private const int MostBytes = 256 << 20;

    /// <summary>What somebody left; null where there is nothing, or nothing that this process could have made.</summary>
    /// <param name="image">An image that is held.</param>
    /// <param name="version">Of what is made.</param>
    public static byte[]? Read(RomFile image, int version)
    {
        int descriptor = LibcNative.open(
            RomDirectory.VocabularyPath(image.Path), LibcNative.O_RDONLY | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK | LibcNative.O_CLOEXEC);
        if (descriptor < 0)
            return null;
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (!LibcNative.Status(file, out statx_result own) || !LibcNative.Status(image.Handle, out statx_result images) || own.stx_uid != images.stx_uid
            || (own.stx_mode & LibcNative.S_IFMT) != LibcNative.S_IFREG || (own.stx_mode & RomDirectory.OthersMode) != 0
            || own.stx_size < Marshal.SizeOf<Head>() || own.stx_size > MostBytes)
        {
            return null;
        }

        try
        {
            var head = default(Head);
            Span<Head> first = new(ref head);
            if (RandomAccess.Read(file, MemoryMarshal.AsBytes(first), 0) != Marshal.SizeOf<Head>())
                return null;
            byte[] content = GC.AllocateUninitializedArray<byte>((int)own.stx_size - Marshal.SizeOf<Head>());
            for (int at = 0; at < content.Length;)
            {
                int read = RandomAccess.Read(file, content.AsSpan(at), Marshal.SizeOf<Head>() + at);
                if (read == 0)
                    return null;
                at += read;
            }

            return head.Equals(HeadOf(image, version, content)) ? content : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Leaves it, whole or not at all, unless somebody was quicker. Only the image's owner can, and who is killed meanwhile leaves nothing.</summary>
    /// <param name="image">An image that is held, so that nobody evicts it meanwhile.</param>
    /// <param name="version">Of what is made.</param>
    /// <param name="content">A multiple of 8 bytes.</param>
    /// <returns>Whether it is there.</returns>
    public static bool Leave(RomFile image, int version, ReadOnlySpan<byte> content)
    {
        if (!LibcNative.Status(image.Handle, out statx_result images) || images.stx_uid != LibcNative.geteuid() || content.Length > MostBytes
            || LibcNative.getrlimit(LibcNative.RLIMIT_FSIZE, out resource_limit limit) != 0 || limit.rlim_cur < (ulong)(content.Length + Marshal.SizeOf<Head>()))
        {
            // Whoever writes more than 'ulimit -f' is ended by a signal.
            return false;
        }

        int descriptor = LibcNative.open(Path.GetDirectoryName(image.Path)!, LibcNative.O_TMPFILE | LibcNative.O_WRONLY | LibcNative.O_CLOEXEC, 0b_110_000_000);
        if (descriptor < 0)
            return false;
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            var head = HeadOf(image, version, content);
            RandomAccess.Write(file, MemoryMarshal.AsBytes(new ReadOnlySpan<Head>(in head)), 0);
            RandomAccess.Write(file, content, Marshal.SizeOf<Head>());
        }
        catch (IOException)
        {
            // No room: it goes without.
            return false;
        }

        string path = RomDirectory.VocabularyPath(image.Path), own = $"/proc/self/fd/{descriptor}";
        if (LibcNative.fchmod(file, images.stx_mode & 0x1FFu) != 0)
            return false;
        if (!TryLink(own, path, out bool taken))
        {
            if (!taken || Read(image, version) is not null)
                return taken;

            // What stands there is of no use to anybody.
            _ = LibcNative.unlink(path);
            if (!TryLink(own, path, out taken))
                return taken;
        }

        // Whoever removed the image by hand meanwhile did not see it.
        if (!FilePlace.IsAt(image.Handle, image.Path))
            _ = LibcNative.unlink(path);
        return true;
    }

    /// <summary>Removes those whose images are gone.</summary>
    public static void Sweep(RomDirectory directory)
    {
        foreach (string path in Directory.EnumerateFiles(directory.Path, "*" + RomDirectory.VocabularySuffix))
        {
            if (!File.Exists(Path.ChangeExtension(path, RomDirectory.ImageSuffix)))
                _ = LibcNative.unlink(path);
        }
    }

    // Pieces of text are llama.cpp's, by what the metadata says.
    private static Head HeadOf(RomFile image, int version, ReadOnlySpan<byte> content) => new()
    {
        Magic = Magic,
        Version = (uint)version,
        MetadataCrc = image.Header.MetadataCrc,
        MetadataBytes = image.Header.MetadataBytes,
        Build = BitConverter.ToUInt64(RomKey.Of(RomBuild.Current.Build, sizeof(ulong))),
        Bytes = content.Length,
        Crc = Crc32C.Append(Crc32C.Seed, content),
    };

    private static bool TryLink(string file, string path, out bool taken)
    {
        bool linked = LibcNative.linkat(LibcNative.AT_FDCWD, file, LibcNative.AT_FDCWD, path, LibcNative.AT_SYMLINK_FOLLOW) == 0;
        taken = !linked && Marshal.GetLastPInvokeError() == LibcNative.EEXIST;
        return linked;
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct Head
    {
        public ulong Magic;
        public uint Version;
        public uint MetadataCrc;
        public long MetadataBytes;
        public ulong Build;
        public long Bytes;
        public uint Crc;
        public uint Unused;
    }
}
