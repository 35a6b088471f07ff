using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Registry.Entries;

/// <summary>A snapshot of one entry, and at the same time the bytes of a slot: see <see cref="RegistryLayout"/>.</summary>
[StructLayout(LayoutKind.Sequential, Size = RegistryLayout.PayloadBytes)]
internal struct RegistryEntry
{
    /// <summary>Size of the image.</summary>
    public long Bytes;

    /// <summary>How long burning took.</summary>
    public long BurnMicroseconds;

    /// <summary>How long the last load from the ROM took.</summary>
    public long LoadMicroseconds;

    /// <summary>When it was burned.</summary>
    public long BurnedAtUnixMs;

    /// <summary>Tokens of all leases that ended and were swept; <see cref="LeaseTable.Count"/> has the rest.</summary>
    public long TokensServed;

    /// <summary>How far the burn is.</summary>
    public long BytesDone;

    /// <summary>Start time of the owner's process; see <see cref="ProcessIdentity"/>.</summary>
    public ulong OwnerStart;

    /// <summary>Size of the source file when it was burned.</summary>
    public long SourceBytes;

    /// <summary>Modification time of the source file when it was burned.</summary>
    public long SourceMtimeNs;

    /// <summary>The lease whose tokens were added last, for <see cref="LeaseTable.Sweep"/>.</summary>
    public ulong FoldedLease;

    /// <summary>Tokens in the vocabulary.</summary>
    public int Vocabulary;

    /// <summary>Layers of the model.</summary>
    public int Layers;

    /// <summary>Width of the model's embeddings.</summary>
    public int Embedding;

    /// <summary>Context the model was trained for.</summary>
    public int ContextLength;

    /// <summary>The process that burns or evicts it.</summary>
    public int OwnerPid;

    /// <summary>What has become of it.</summary>
    public RomState State;

    /// <summary>The profile it was burned under.</summary>
    public byte Profile;

    private byte _packed;

    // Older versions wrote here whether the last load was to a GPU, and nobody took it back: leases say it now.
    private readonly byte _unread;

    private ushort _nameBytes;
    private byte _romIdBytes;
    private byte _architectureBytes;
    private byte _noteBytes;
    private Bytes32 _digest;
    private Bytes16 _sourceKey;
    private Bytes96 _romId;
    private Bytes256 _name;
    private Bytes32 _architecture;
    private Bytes192 _note;
    private Bytes16 _sourceIdentity;

    /// <summary>Whether its weights are in the layout of this CPU's kernels.</summary>
    public bool Packed
    {
        readonly get => _packed != 0;
        set => _packed = value ? (byte)1 : (byte)0;
    }

    /// <summary>The model's name; setting one of more than 256 bytes is <see cref="VaiError.InvalidOption"/>.</summary>
    public string Name
    {
        readonly get => EntryText.Decode(_name, _nameBytes);
        set => _nameBytes = (ushort)EntryText.Encode(value, _name, "model's name");
    }

    /// <summary>The image's file name without its extension; setting one of more than 96 bytes is <see cref="VaiError.InvalidOption"/>.</summary>
    public string RomId
    {
        readonly get => EntryText.Decode(_romId, _romIdBytes);
        set => _romIdBytes = (byte)EntryText.Encode(value, _romId, "ROM's file name");
    }

    /// <summary>The model's architecture, cut to 32 bytes.</summary>
    public string Architecture
    {
        readonly get => EntryText.Decode(_architecture, _architectureBytes);
        set => _architectureBytes = (byte)EntryText.EncodeCut(value, _architecture);
    }

    /// <summary>A remark for people (why a model is kept plain), cut to 192 bytes.</summary>
    public string Note
    {
        readonly get => EntryText.Decode(_note, _noteBytes);
        set => _noteBytes = (byte)EntryText.EncodeCut(value, _note);
    }

    /// <summary>Digest of the model: 32 bytes.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Digest
    {
        readonly get => _digest;
        set => EntryText.Fill(value, _digest);
    }

    /// <summary>Hash of the source's full path: 16 bytes.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> SourceKey
    {
        readonly get => _sourceKey;
        set => EntryText.Fill(value, _sourceKey);
    }

    /// <summary>What the source was, see <see cref="Rom.RomSource.Identity"/>; 0: not known, so that its digest must tell.</summary>
    public UInt128 SourceIdentity
    {
        readonly get => BinaryPrimitives.ReadUInt128BigEndian(_sourceIdentity);
        set => BinaryPrimitives.WriteUInt128BigEndian(_sourceIdentity, value);
    }

    /// <summary>The process that burns or evicts it, as its own pid namespace calls it: for people, and never to decide by.</summary>
    public ProcessIdentity Owner
    {
        readonly get => new(OwnerPid, OwnerStart);
        set => (OwnerPid, OwnerStart) = (value.Pid, value.Start);
    }

    /// <summary>Compares names without decoding this one.</summary>
    public readonly bool IsNamed(ReadOnlySpan<byte> utf8) => EntryText.Used(_name, _nameBytes).SequenceEqual(utf8);
}
