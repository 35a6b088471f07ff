namespace VAI.Native.Registry;

/// <summary>The bytes of the file <c>registry</c>. Every offset derives from the one before it.</summary>
/// <remarks>
/// <code>
///      0  +-----------------------------+
///         | TableHeader                 |  written once; magic and version last
///     64  +-----------------------------+
///         | last writer   u64           |  pid above, low half of its start time below
///    128  +-----------------------------+  entry 0
///         | commit word   u64           |  generation; its lowest bit is the slot; 0: never written
///         | padding to a cache line     |
///         +-----------------------------+  slot 0: even generations
///         | generation u64              |
///         | length u32 | CRC-32C u32    |  over generation, length and payload
///         | RegistryEntry               |
///         +-----------------------------+  slot 1: odd generations
///         | the same                    |
///   1728  +-----------------------------+  entry 1, ...
/// </code>
/// A writer (one at a time, by the lock of <c>registry.lock</c>) fills the slot that the commit word does not name, then
/// stores the commit word. Killed in between, it leaves a slot that nobody reads.
/// </remarks>
internal static class RegistryLayout
{
    // History. 1: the first. 2: entries hold what their source was; leases are locks on images, and liveness is a lock.
    // For the next: raise Version, refuse or convert the older ones in RegistryConversion, amend the diagram and LayoutTests.
    public const uint Version = 2;

    public const string FileName = "registry";
    public const ulong Magic = 0x31_47_45_52_49_41_56_7F; // "\x7FVAIREG1"
    public const int Line = 64;

    public const int LastWriter = Line;
    public const int HeaderBytes = LastWriter + Line;

    public const int Commit = 0;
    public const int FirstSlot = Commit + Line;
    public const int SlotHeaderBytes = 16;
    public const int PayloadBytes = (12 * Line) - SlotHeaderBytes;
    public const int SlotBytes = SlotHeaderBytes + PayloadBytes;
    public const int EntryBytes = FirstSlot + (2 * SlotBytes);
    public const int EntryCount = 256;

    public static readonly TableShape Shape = new(FileName, Magic, Version, HeaderBytes, EntryCount, EntryBytes);
}
