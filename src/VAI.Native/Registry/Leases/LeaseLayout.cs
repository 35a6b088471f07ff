using System.Runtime.InteropServices;

namespace VAI.Native.Registry.Leases;

/// <summary>The bytes of the file <c>leases</c>.</summary>
/// <remarks>
/// <code>
///      0  +-----------------------------+
///         | TableHeader                 |  written once; magic and version last
///     64  +-----------------------------+
///         | LeaseRecord 0               |
///    128  +-----------------------------+
///         | LeaseRecord 1, ...          |
///         +-----------------------------+
/// </code>
/// What keeps a ROM is the lock on its image; a record only counts, and only for processes of the directory's owner, who alone can
/// open the file. Record i is owned by whoever holds the lock on <em>byte</em> i of the file, whatever that byte stores. Its id is
/// stored last when it is taken and is 0 when it is free. An id whose lock nobody holds is of a lease that ended: its tokens wait for
/// <see cref="LeaseTable.Sweep"/>, which alone may free it.
/// </remarks>
internal static class LeaseLayout
{
    // History. 1: the first; its locks were the leases, and a directory's group wrote it. 2: the owner's counts alone; the name's key
    // in what was padding, no sessions. Later, without a new version: the devices, in what every writer of 2 had set to 0.
    // For the next: raise Version, refuse or convert the older ones in RegistryConversion, amend the diagram and LayoutTests.
    public const uint Version = 2;

    public const string FileName = "leases";
    public const ulong Magic = 0x31_45_53_4C_49_41_56_7F; // "\x7FVAILSE1"
    public const int HeaderBytes = RegistryLayout.Line;
    public const int RecordBytes = RegistryLayout.Line;
    public const int RecordCount = 1024;

    public static readonly TableShape Shape = new(FileName, Magic, Version, HeaderBytes, RecordCount, RecordBytes);
}

/// <summary>One lease's counts in shared memory: a cache line of its own, so that counting tokens disturbs nobody.</summary>
[StructLayout(LayoutKind.Sequential, Size = LeaseLayout.RecordBytes)]
internal struct LeaseRecord
{
    /// <summary>Random, so that no two leases share one; 0: free.</summary>
    internal ulong Id;

    /// <summary>Key of the name that the ROM was found by.</summary>
    internal ulong NameKey;

    internal UInt128 RomKey;
    internal long Tokens;
    internal ulong Start;
    internal long TakenAtUnixMs;
    internal int Pid;

    /// <summary>A <see cref="DeviceSet"/>: where the owner has the weights besides the ROM. 0 of a VAI that does not say.</summary>
    internal uint Devices;
}
