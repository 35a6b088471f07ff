using System.Globalization;
using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Rom;

/// <summary>Whether all who use a file system see each other's locks and mappings, told by its magic number (statfs(2)).</summary>
internal static class FileSystemKind
{
    // Their servers or helpers keep locks and pages of their own, for each client: two that burn would not see each other.
    private static readonly Dictionary<uint, string> NotShared = new()
    {
        [0x6969] = "NFS",
        [0x517B] = "SMB",
        [0xFF534D42] = "CIFS",
        [0xFE534D42] = "SMB2",
        [0x01021997] = "9p",
        [0x65735546] = "FUSE (virtiofs too)",
        [0x00C36400] = "Ceph",
        [0x5346414F] = "AFS",
        [0x6B414653] = "AFS",
        [0x73757245] = "Coda",
        [0x564C] = "NCP",
        [0x0BD00BD0] = "Lustre",
        [0x0BD00BD3] = "Lustre",
        [0x47504653] = "GPFS",
        [0x01161970] = "GFS2",
        [0x7461636F] = "OCFS2",
        [0x00C0FFEE] = "hostfs",
        [0x786F4256] = "vboxsf",
        [0xBACBACBC] = "vmhgfs",
        [0x7C7C6673] = "prl_fs",
    };

    /// <summary>What the file system of an open file or directory is called if it cannot be shared; null if it can.</summary>
    public static string? NotSharedName(SafeHandle file) =>
        LibcNative.fstatfs(file, out statfs_result result) == 0 ? NotSharedName(result.f_type) : null;

    /// <summary>The same by its number.</summary>
    /// <remarks>
    /// One that is not known counts as shared: Linux gives every file system its locks and its pages unless it brings its own, and those
    /// that do are the ones of networks and of user space listed here.
    /// </remarks>
    public static string? NotSharedName(long magic) => NotShared.GetValueOrDefault((uint)magic);

    /// <summary>Why nothing is burned or evicted there.</summary>
    public static string Reason(string name, string path) => string.Create(
        CultureInfo.InvariantCulture,
        $"The ROM directory {path} is on {name}, whose locks and mappings are not those of every machine or container that mounts it: ROMs there are attached, "
        + $"and neither burned nor evicted. Burn into a directory of a local file system ({RomDirectory.Variable}), and copy it there when nobody uses it.");
}
