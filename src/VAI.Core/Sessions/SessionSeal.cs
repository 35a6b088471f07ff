using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using VAI.Native.Abi;
using VAI.Native.Rom;
using VAI.Residency;
using VAI.Sram;

namespace VAI.Sessions;

/// <summary>
/// What binds a session's image, in a file or in shared memory, to its model and its ROM directory: llama.cpp trusts the KV that it is
/// given, so that nothing of an image is used before this says so.
/// </summary>
/// <remarks>
/// <code>
///   0  magic                       8 bytes
///   8  version                     int32, little-endian like all that follows
///  12  flags                       int32: 1 exact schedule
///  16  digest of the model's file  32 bytes
///  48  digest of the KV's kind     32 bytes: llama.cpp build, kernels, weights, KV types, attention
///  80  log entries                 int32
///  84  committed entries           int32
///  88  KV entries                  int32
///  92  KV slices                   int32
///  96  KV bytes                    int64
/// 104  log, KV log                 int32 each
///   n  slices, the last positions first (KvSlice): from, count, bytes, CRC, 0      int32, int32, int64, uint32, int32 each
///   n  KV                          the slices' bytes, in that order
///   n  HMAC-SHA256 of all that     32 bytes, by a key that only this user's ROM directory holds
/// </code>
/// Versions: 1 had the KV in one piece and no slices. Of such a session the log is used.
/// </remarks>
internal sealed class SessionSeal
{
    public const int Version = 2;
    private const int Oldest = 1;
    public const int HeaderBytes = 104;
    public const int MacBytes = 32;
    private const int KeyBytes = 32;
    private const string KeyName = "sessions.key";

    private readonly byte[] _digest;
    private readonly byte[] _kind;
    private readonly string _directory;
    private readonly bool _exact;

    private SessionSeal(ModelContext model, RomHold hold)
    {
        RomHeader rom = hold.File.Header;
        ModelOptions o = model.Options;
        _exact = model.Schedule.Exact;
        _digest = rom.SourceDigest;
        _directory = Path.GetDirectoryName(hold.File.Path)!;
        (string build, string cpu) = RomBuild.Current;
        _kind = SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{build}|{cpu}|{rom.Weights}|{o.Profile}|{o.KeyType}|{o.ValueType}|{o.FlashAttention}|{o.GpuLayers}{Gpus(o)}"));
    }

    // Another product computes other bits. Nothing for the CPU, which files of older versions did not name.
    private static string Gpus(ModelOptions o) =>
        !o.WantsGpu ? "" : string.Concat((o.Devices ?? []).Select(n => NativeLoader.EnsureLoaded().Gpus.FirstOrDefault(d => d.Name == n)).Select(d => $"|{d?.Backend} {d?.Description}"))
            + string.Concat((o.TensorSplit ?? []).Select(s => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"|{s:R}")));

    private SessionSeal(SessionSeal of, byte[] kind) => (_exact, _digest, _directory, _kind) = (of._exact, of._digest, of._directory, kind);

    private static ReadOnlySpan<byte> Magic => "VAISESS\x1a"u8;

    /// <summary>Whether a file begins as one of a session; false also if it cannot be read.</summary>
    public static bool IsSession(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[8];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(Magic);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Null for a model without a ROM: there is nothing to bind an image to.</summary>
    public static SessionSeal? For(ModelContext model) => model.Weights.Hold is { } hold ? new SessionSeal(model, hold) : null;

    /// <summary>The seal of images that sessions of this <see cref="PrefixTag"/> may use, and no others.</summary>
    public SessionSeal For(string? tag) => tag is null ? this : new SessionSeal(this, SHA256.HashData([.. _kind, .. Encoding.UTF8.GetBytes(tag)]));

    /// <summary>Length of an image in bytes.</summary>
    public static long Length(int entries, int kvEntries, int slices, long kvBytes) =>
        HeaderBytes + (4L * ((long)entries + kvEntries)) + ((long)KvSlice.EntryBytes * slices) + kvBytes + MacBytes;

    public void WriteHeader(Span<byte> header, int entries, int committed, int kvEntries, int slices, long kvBytes)
    {
        header[..HeaderBytes].Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], _exact ? 1 : 0);
        _digest.CopyTo(header[16..]);
        _kind.CopyTo(header[48..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[80..], entries);
        BinaryPrimitives.WriteInt32LittleEndian(header[84..], committed);
        BinaryPrimitives.WriteInt32LittleEndian(header[88..], kvEntries);
        BinaryPrimitives.WriteInt32LittleEndian(header[92..], slices);
        BinaryPrimitives.WriteInt64LittleEndian(header[96..], kvBytes);
    }

    /// <summary>Reads a header's numbers, none of which can be trusted yet but for its ranges.</summary>
    /// <returns>Null, or why it is none.</returns>
    public static string? TryRead(ReadOnlySpan<byte> header, out Header read)
    {
        read = default;
        if (header.Length < HeaderBytes || !header.StartsWith(Magic))
            return "it is not a saved session";
        int version = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        if (version is < Oldest or > Version)
            return $"it has version {version}, and this VAI reads {Oldest} to {Version}";
        read = new Header(
            version,
            BinaryPrimitives.ReadInt32LittleEndian(header[80..]),
            BinaryPrimitives.ReadInt32LittleEndian(header[84..]),
            BinaryPrimitives.ReadInt32LittleEndian(header[88..]),
            BinaryPrimitives.ReadInt32LittleEndian(header[92..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[96..]));
        const int Most = 1 << 26;
        const long MostBytes = 1L << 42;
        bool possible = read.Entries is >= 0 and <= Most && read.Committed >= 0 && read.Committed <= read.Entries
            && read.KvEntries is >= 0 and <= Most && read.KvBytes is >= 0 and <= MostBytes
            && (version == Oldest ? read.Slices == 0 : read.Slices >= 0 && read.Slices <= read.KvEntries);
        return possible ? null : "its length is not what its header says";
    }

    /// <summary>Whether it is of this model's file.</summary>
    public bool IsOfModel(ReadOnlySpan<byte> header) => header.Slice(16, 32).SequenceEqual(_digest);

    /// <summary>Whether its KV is what this model would compute.</summary>
    public bool IsOfKind(ReadOnlySpan<byte> header) => header.Slice(48, 32).SequenceEqual(_kind);

    /// <exception cref="VaiEngineException">The key cannot be read or made.</exception>
    public IncrementalHash NewMac() => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Key());

    // Made by the first session that is saved; a key that two processes make at once is the one that got its name first.
    private byte[] Key()
    {
        string path = Path.Combine(_directory, KeyName);
        try
        {
            if (!File.Exists(path))
            {
                using var draft = SessionDraft.Begin(path);
                draft.Stream.Write(RandomNumberGenerator.GetBytes(KeyBytes));
                try
                {
                    draft.Publish(overwrite: false);
                }
                catch (IOException) when (File.Exists(path))
                {
                    // Another's.
                }
            }

            byte[] key = File.ReadAllBytes(path);
            return key.Length == KeyBytes ? key : throw new VaiEngineException(
                VaiError.FileNotReadable, $"{path}: the key of saved sessions is damaged. Delete it: sessions saved with it are lost.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiEngineException(
                VaiError.FileNotWritable, $"{path}: the key of saved sessions cannot be used: {e.Message} Only the owner of a ROM directory saves sessions.", e);
        }
    }

    /// <summary>The numbers of an image's header.</summary>
    /// <param name="Version">Its format's.</param>
    /// <param name="Entries">Log entries.</param>
    /// <param name="Committed">How many of them are committed.</param>
    /// <param name="KvEntries">Log entries whose KV it holds.</param>
    /// <param name="Slices">In how many slices.</param>
    /// <param name="KvBytes">Length of them.</param>
    internal readonly record struct Header(int Version, int Entries, int Committed, int KvEntries, int Slices, long KvBytes)
    {
        public long ImageBytes => Length(Entries, KvEntries, Slices, KvBytes);

        /// <summary>Whether its KV is in the format of today.</summary>
        public bool HasSlices => Version == SessionSeal.Version && Slices > 0;
    }
}
