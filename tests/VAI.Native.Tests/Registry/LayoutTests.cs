using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using VAI.Native.Memory;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Tests.Registry;

/// <summary>The layouts in literal numbers, repeated here so that a change shows: then raise the layout's version.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Sizes_and_offsets_of_the_registry()
    {
        Assert.Equal(2u, RegistryLayout.Version);
        Assert.Equal("\x7FVAIREG1"u8, BitConverter.GetBytes(RegistryLayout.Magic));
        Assert.Equal((64, 128), (RegistryLayout.LastWriter, RegistryLayout.HeaderBytes));
        Assert.Equal((0, 64, 16, 752, 768), (RegistryLayout.Commit, RegistryLayout.FirstSlot, RegistryLayout.SlotHeaderBytes,
            RegistryLayout.PayloadBytes, RegistryLayout.SlotBytes));
        Assert.Equal((1600, 256), (RegistryLayout.EntryBytes, RegistryLayout.EntryCount));
        Assert.Equal(409_728, RegistryLayout.Shape.FileBytes);
        Assert.Equal(752, Unsafe.SizeOf<RegistryEntry>());
        Assert.Equal(24, Unsafe.SizeOf<TableHeader>());
    }

    [Fact]
    public void Sizes_and_offsets_of_the_leases()
    {
        Assert.Equal(2u, LeaseLayout.Version);
        Assert.Equal("\x7FVAILSE1"u8, BitConverter.GetBytes(LeaseLayout.Magic));
        Assert.Equal((64, 64, 1024), (LeaseLayout.HeaderBytes, LeaseLayout.RecordBytes, LeaseLayout.RecordCount));
        Assert.Equal(65_600, LeaseLayout.Shape.FileBytes);
        LeaseRecord record = new() { Id = 1, NameKey = 8, RomKey = 2, Tokens = 3, Start = 4, TakenAtUnixMs = 5, Pid = 6, Devices = 0x07060504 };
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<LeaseRecord>(in record));
        Assert.Equal(64, bytes.Length);
        Assert.Equal([1, 8, 2, 0, 3, 4, 5], MemoryMarshal.Cast<byte, long>(bytes)[..7]);
        Assert.Equal([6, 0x07060504], MemoryMarshal.Cast<byte, int>(bytes)[14..]);
    }

    /// <summary>Bits in records that processes of several versions share: they never change.</summary>
    [Fact]
    public void Bits_of_the_devices()
    {
        Assert.Equal(4, Unsafe.SizeOf<DeviceSet>());
        Assert.Equal(
            [0x01u, 0x80, 0x100, 0x8000, 0x1_0000, 0x80_0000, 0x100_0000, 0x8000_0000],
            new[] { "CUDA0", "CUDA7", "Vulkan0", "Vulkan7", "ROCm0", "ROCm7", "SYCL0", "SYCL7" }.Select(n => DeviceSet.Of([n]).Bits));
    }

    [Fact]
    public void Offsets_of_an_entrys_fields()
    {
        RegistryEntry entry = new()
        {
            Bytes = 1,
            BurnMicroseconds = 2,
            LoadMicroseconds = 3,
            BurnedAtUnixMs = 4,
            TokensServed = 5,
            BytesDone = 6,
            OwnerStart = 7,
            SourceBytes = 8,
            SourceMtimeNs = 9,
            FoldedLease = 10,
            Vocabulary = 11,
            Layers = 12,
            Embedding = 13,
            ContextLength = 14,
            OwnerPid = 15,
            State = RomState.Ready,
            Profile = 17,
            Packed = true,
            Name = "name",
            RomId = "rom",
            Architecture = "architecture",
            Note = "a note",
            Digest = Enumerable.Repeat((byte)0xD1, 32).ToArray(),
            SourceKey = Enumerable.Repeat((byte)0x50, 16).ToArray(),
            SourceIdentity = new UInt128(0x1122334455667788, 0x99AABBCCDDEEFF00),
        };
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<RegistryEntry>(in entry));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], MemoryMarshal.Cast<byte, long>(bytes)[..10]);
        Assert.Equal([11, 12, 13, 14, 15], MemoryMarshal.Cast<byte, int>(bytes)[20..25]);
        // state, profile, packed, a byte that older versions wrote, the four lengths
        Assert.Equal(new byte[] { 2, 17, 1, 0, 4, 0, 3, 12, 6 }, bytes[100..109].ToArray());
        Assert.True(entry.Digest.SequenceEqual(bytes[109..141]) && entry.SourceKey.SequenceEqual(bytes[141..157]));
        Assert.Equal(("rom", "name", "architecture", "a note"), (Text(157, 3), Text(253, 4), Text(509, 12), Text(541, 6)));
        Assert.Equal("112233445566778899aabbccddeeff00", Convert.ToHexStringLower(bytes[733..749]));
        Assert.Equal([RomState.Free, RomState.Burning, RomState.Ready, RomState.Evicting], Enum.GetValues<RomState>());

        string Text(int offset, int length) =>
            Encoding.UTF8.GetString(MemoryMarshal.AsBytes(new ReadOnlySpan<RegistryEntry>(in entry)).Slice(offset, length));
    }

    [Fact]
    public void The_checksum_is_Castagnolis()
    {
        // The check value of the catalogue of CRCs: nine digits, of which eight fill a word.
        uint crc = Crc32C.Append(Crc32C.Seed, "12345678"u8);
        Assert.Equal(0xE306_9283u, ~System.Numerics.BitOperations.Crc32C(crc, (byte)'9'));
    }
}
