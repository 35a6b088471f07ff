using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Rom;

/// <summary>
/// The private directory that holds the images and the registry. What another user could have put there is not trusted: the
/// directory must be real, belong to this user, and be closed to everybody else (0700), or to everybody outside its group (0750).
/// </summary>
/// <remarks>
/// A directory of another user is accepted only where it was named explicitly and is open to its group: its owner burns, the
/// group attaches.
/// </remarks>
internal sealed class RomDirectory
{
    public const string Variable = "VAI_ROM_DIR";
    public const string ImageSuffix = ".rom";
    public const string BurnSuffix = ".burn";
    public const string VocabularySuffix = ".vocabulary";

    /// <summary>How much of the source's digest an image's id begins with.</summary>
    public const int IdDigestBytes = 16;

    /// <summary>What others must not be able to do with a file: write, or anything at all outside the group.</summary>
    public const int OthersMode = 0b_000_010_111;

    private const uint PrivateMode = 0b_111_000_000;
    private const uint GroupMode = 0b_111_101_000;

    private RomDirectory(string path, bool group, bool owned, bool readOnly, string? notShared)
    {
        Path = path;
        HasGroup = group;
        IsOwned = owned;
        IsReadOnly = readOnly;
        NotShared = notShared;
    }

    public string Path { get; }

    /// <summary>Whether its group may attach.</summary>
    public bool HasGroup { get; }

    /// <summary>Whether it is this user's.</summary>
    public bool IsOwned { get; }

    /// <summary>Whether it is mounted so that nobody writes there, as a container's volume may be.</summary>
    public bool IsReadOnly { get; }

    /// <summary>The kind of file system it is on, if its users would not see each other's locks and mappings.</summary>
    public string? NotShared { get; }

    /// <summary>Whether this user may burn there; otherwise ROMs are attached only.</summary>
    public bool CanWrite => IsOwned && !IsReadOnly && NotShared is null;

    /// <summary>Mode of the images: nobody writes them again.</summary>
    public uint ImageMode => HasGroup ? 0b_100_100_000u : 0b_100_000_000u;

    /// <summary>Mode of the registry, which its owner alone writes.</summary>
    public uint RegistryMode => HasGroup ? 0b_110_100_000u : 0b_110_000_000u;

    /// <summary>Size and free bytes of the file system it is on.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomDirectoryUnsafe"/>: it is gone.</exception>
    public (long Total, long Free) Space => OfDrive(drive => (drive.TotalSize, drive.AvailableFreeSpace));

    /// <summary>Whether its file system's pages are memory, so that an image takes it from whoever burns it.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomDirectoryUnsafe"/>: it is gone.</exception>
    public bool IsInMemory => OfDrive(drive => drive.DriveFormat is "tmpfs" or "ramfs");

    /// <summary>The directory to use: the option, <c>VAI_ROM_DIR</c>, or one of this user's own in /dev/shm.</summary>
    public static (string Path, bool Explicit) Locate(string? option)
    {
        string? path = string.IsNullOrEmpty(option) ? Environment.GetEnvironmentVariable(Variable) : option;
        if (path?.Contains('\0') == true)
            throw new VaiUsageException(VaiError.RomDirectoryUnsafe, "The ROM directory's path has a NUL character in it. Give another path.");
        return string.IsNullOrEmpty(path)
            ? ($"/dev/shm/vai-{LibcNative.geteuid()}", false)
            : (System.IO.Path.GetFullPath(path), true);
    }

    /// <summary>Opens the directory, and makes it if it is missing.</summary>
    /// <param name="option">The directory, or null for the default.</param>
    /// <param name="create">Whether to make it.</param>
    /// <param name="fileSystem">Names a file system that cannot be shared; null for <see cref="FileSystemKind.NotSharedName(SafeHandle)"/>.</param>
    /// <returns>Null if it does not exist and is not to be made.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.RomDirectoryUnsafe"/> or <see cref="VaiError.FileNotWritable"/>.
    /// </exception>
    public static RomDirectory? Open(string? option, bool create, Func<SafeHandle, string?>? fileSystem = null)
    {
        (string path, bool isExplicit) = Locate(option);
        path = path.Length > 1 ? path.TrimEnd('/') : path;
        if (create && LibcNative.mkdir(path, PrivateMode) != 0 && Marshal.GetLastPInvokeError() != LibcNative.EEXIST)
        {
            throw new VaiUsageException(
                VaiError.FileNotWritable,
                $"The ROM directory {path} cannot be made ({Marshal.GetLastPInvokeErrorMessage()}). Make its parent, or set {Variable} to another directory.");
        }

        int descriptor = LibcNative.open(path, LibcNative.O_RDONLY | LibcNative.O_DIRECTORY | LibcNative.O_NOFOLLOW | LibcNative.O_CLOEXEC);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            return error switch
            {
                LibcNative.ENOENT => null,
                LibcNative.ELOOP or LibcNative.ENOTDIR => throw Unsafe(path, "is a symbolic link or no directory"),
                _ => throw Unsafe(path, $"cannot be opened ({Marshal.GetLastPInvokeErrorMessage()})"),
            };
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (!LibcNative.Status(handle, out statx_result status))
            throw Unsafe(path, $"cannot be examined ({Marshal.GetLastPInvokeErrorMessage()})");
        uint mode = status.stx_mode & 0xFFFu & ~0x400u; // The set-group-id bit only passes the group on.
        bool owned = status.stx_uid == LibcNative.geteuid();
        if (mode is not (PrivateMode or GroupMode))
            throw Unsafe(path, $"has mode {Convert.ToString(mode, 8)}; it must be 700, or 750 for a group");
        if (!owned && !(isExplicit && mode == GroupMode))
            throw Unsafe(path, $"belongs to user {status.stx_uid}, not to {LibcNative.geteuid()}");
        bool readOnly = LibcNative.fstatfs(handle, out statfs_result system) == 0 && (system.f_flags & LibcNative.ST_RDONLY) != 0;
        return new RomDirectory(path, mode == GroupMode, owned, readOnly, (fileSystem ?? FileSystemKind.NotSharedName)(handle));
    }

    /// <summary>Asks whether this user may burn and evict there.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomDirectoryUnsafe"/> or <see cref="VaiError.NotSupported"/>.</exception>
    public void CheckWritable()
    {
        if (!IsOwned)
        {
            throw new VaiUsageException(
                VaiError.RomDirectoryUnsafe,
                $"The ROM directory {Path} belongs to another user, who alone burns into it. Ask for the model to be burned there, or set {Variable}.");
        }

        if (IsReadOnly)
        {
            throw new VaiUsageException(
                VaiError.RomDirectoryUnsafe,
                $"The ROM directory {Path} is mounted read-only: what is burned there is attached, and nothing more burned. Mount it for writing, or set {Variable}.");
        }

        if (NotShared is { } name)
            throw new VaiUsageException(VaiError.NotSupported, FileSystemKind.Reason(name, Path));
    }

    public string ImagePath(string romId) => System.IO.Path.Combine(Path, romId + ImageSuffix);

    public string BurnPath(string romId) => System.IO.Path.Combine(Path, romId + BurnSuffix);

    /// <summary>Where what is made of an image's vocabulary is kept.</summary>
    public static string VocabularyPath(string imagePath) => System.IO.Path.ChangeExtension(imagePath, VocabularySuffix);

    /// <summary>The images there are, by id.</summary>
    public IEnumerable<string> Images() =>
        Directory.EnumerateFiles(Path, "*" + ImageSuffix).Select(f => System.IO.Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    /// <summary>An id from a model's digest: plain weights fit every build, packed ones one.</summary>
    public static string IdOf(ReadOnlySpan<byte> sourceDigest, RomWeights weights) =>
        Convert.ToHexStringLower(sourceDigest[..IdDigestBytes]) + (weights == RomWeights.Plain ? "-plain" : PackedSuffix);

    /// <summary>What ids of packed images end with that this process can attach.</summary>
    public static string PackedSuffix
    {
        get
        {
            (string build, string cpu) = RomBuild.Current;
            return $"-packed-{Convert.ToHexStringLower(RomKey.Of(build + "|" + cpu, 4))}";
        }
    }

    /// <summary>Says that there is no room, and whether that is because the file system is a container's small one.</summary>
    public VaiEngineException NoSpace(long wanted)
    {
        (long total, long free) = Space;
        string advice = Path.StartsWith("/dev/shm/", StringComparison.Ordinal) && total < wanted
            ? "This /dev/shm is too small for it altogether, as a container's is: start the container with --shm-size, "
                + $"or set {Variable} to a directory on a disk"
            : $"Evict a ROM, or set {Variable} to a larger file system";
        return new VaiEngineException(
            VaiError.RomNoSpace,
            $"{Path}: a ROM of {wanted >> 20} MiB does not fit: {free >> 20} of {total >> 20} MiB are free. {advice}.");
    }

    private T OfDrive<T>(Func<DriveInfo, T> ask)
    {
        try
        {
            return ask(new DriveInfo(Path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(
                VaiError.RomDirectoryUnsafe, $"The ROM directory {Path} is gone: somebody removed it while it was used. Start the program anew, which makes it again.", e);
        }
    }

    private static VaiUsageException Unsafe(string path, string what) =>
        new(VaiError.RomDirectoryUnsafe, $"The ROM directory {path} {what}. Weights are trusted, so their directory must be private: correct it, or set {Variable} to another one.");
}
