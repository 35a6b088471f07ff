using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using VAI.Native.Rom;

namespace VAI.Engine;

/// <summary>
/// Sessions in files. A file is untrusted: it is authenticated by a key that only this user's ROM directory holds before
/// anything of it is used, because llama.cpp trusts the KV that it is given.
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
///  92  reserved                    int32, 0
///  96  KV bytes                    int64
/// 104  log, KV log, KV             int32 each, int32 each, bytes
///   n  HMAC-SHA256 of all that     32 bytes
/// </code>
/// </remarks>
internal sealed class SessionFile
{
    public const int Version = 1;
    public const int HeaderBytes = 104;
    public const int MacBytes = 32;
    private const int KeyBytes = 32;
    private const string KeyName = "sessions.key";

    private readonly ModelContext _model;
    private readonly byte[] _digest;
    private readonly byte[] _kind;
    private readonly string _directory;

    private SessionFile(ModelContext model, RomHold hold)
    {
        _model = model;
        RomHeader rom = hold.File.Header;
        ModelOptions o = model.Options;
        _digest = rom.SourceDigest;
        _directory = Path.GetDirectoryName(hold.File.Path)!;
        (string build, string cpu) = RomBuild.Current;
        _kind = SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{build}|{cpu}|{rom.Weights}|{o.Profile}|{o.KeyType}|{o.ValueType}|{o.FlashAttention}|{o.GpuLayers}"));
    }

    private static ReadOnlySpan<byte> Magic => "VAISESS\x1a"u8;

    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>: the model has no ROM to bind a file to.</exception>
    public static SessionFile For(ModelContext model) => model.Weights.Hold is { } hold
        ? new SessionFile(model, hold)
        : throw new VaiUsageException(
            VaiError.NotSupported,
            $"'{model.Name}' was loaded without a ROM, by whose digest a saved session is bound to its model. Load it with profile fast or exact.");

    /// <summary>Writes a session. What was at the path is replaced at once, or not at all.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.FileNotWritable"/>.</exception>
    public void Write(string path, int[] log, int committed, ParkedKv? kv)
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), _model.Schedule.Exact ? 1 : 0);
        _digest.CopyTo(header, 16);
        _kind.CopyTo(header, 48);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(80), log.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(84), committed);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(88), kv?.Tokens.Length ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(96), kv?.Length ?? 0);
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Key()))
            using (FileStream file = NewPrivate(temporary))
            {
                Put(header);
                Put(MemoryMarshal.AsBytes(log.AsSpan()));
                Put(MemoryMarshal.AsBytes((kv?.Tokens ?? []).AsSpan()));
                Put(kv is null ? default : kv.Bytes);
                file.Write(mac.GetHashAndReset());
                file.Flush(flushToDisk: true);

                void Put(ReadOnlySpan<byte> bytes)
                {
                    mac.AppendData(bytes);
                    file.Write(bytes);
                }
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
            throw new VaiEngineException(VaiError.FileNotWritable, $"{path}: the session could not be saved: {e.Message} Check the path and the space.", e);
        }
    }

    /// <summary>Reads a session back. KV of another build, CPU or geometry is left out: it is computed again from the log.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/>, <see cref="VaiError.FileNotReadable"/>, <see cref="VaiError.SessionFileRejected"/>, or
    /// <see cref="VaiError.ContextFull"/>: it is longer than the model's context.
    /// </exception>
    public SessionImage Read(string path)
    {
        if (!File.Exists(path))
            throw new VaiUsageException(VaiError.FileNotFound, $"{path}: there is no such file. Check the path.");
        try
        {
            using FileStream file = File.OpenRead(path);
            return Read(path, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"{path}: {e.Message}", e);
        }
    }

    private SessionImage Read(string path, FileStream file)
    {
        byte[] header = new byte[HeaderBytes];
        if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes || !header.AsSpan().StartsWith(Magic))
            throw Rejected(path, "it is not a saved session");
        int version = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
        if (version != Version)
            throw Rejected(path, $"it has version {version}, and this VAI reads {Version}");
        int entries = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(80));
        int committed = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(84));
        int computed = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(88));
        long kvBytes = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(96));
        const int Most = 1 << 26;
        if (entries is < 0 or > Most || committed < 0 || committed > entries || computed is < 0 or > Most || kvBytes is < 0 or > int.MaxValue
            || file.Length != HeaderBytes + (4L * ((long)entries + computed)) + kvBytes + MacBytes)
        {
            throw Rejected(path, "its length is not what its header says");
        }

        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Key());
        mac.AppendData(header);
        int[] log = new int[entries];
        int[] kvLog = new int[computed];
        Take(MemoryMarshal.AsBytes(log.AsSpan()));
        Take(MemoryMarshal.AsBytes(kvLog.AsSpan()));
        bool sameKind = header.AsSpan(48, 32).SequenceEqual(_kind);
        ParkedKv? kv = sameKind ? ParkedKv.Reserve(_model.Lot, kvLog, kvBytes) : null;
        try
        {
            if (kv is not null)
                Take(kv.Bytes);
            else
                Skip(kvBytes);
            byte[] stored = new byte[MacBytes];
            file.ReadExactly(stored);
            if (!CryptographicOperations.FixedTimeEquals(stored, mac.GetHashAndReset()))
                throw Rejected(path, "it was changed, or saved under another ROM directory");
            return Checked(path, header, log, committed, kv);
        }
        catch
        {
            kv?.Dispose();
            throw;
        }

        void Take(Span<byte> bytes)
        {
            file.ReadExactly(bytes);
            mac.AppendData(bytes);
        }

        void Skip(long bytes)
        {
            byte[] slice = new byte[1 << 20];
            for (long at = 0; at < bytes; at += slice.Length)
                Take(slice.AsSpan(0, (int)Math.Min(slice.Length, bytes - at)));
        }
    }

    private SessionImage Checked(string path, byte[] header, int[] log, int committed, ParkedKv? kv)
    {
        if (!header.AsSpan(16, 32).SequenceEqual(_digest))
            throw Rejected(path, $"it belongs to another model than '{_model.Name}'");
        if (log.Length > _model.ContextLength)
        {
            throw new VaiUsageException(
                VaiError.ContextFull,
                $"{path}: the session has {log.Length} tokens, and '{_model.Name}' a context of {_model.ContextLength}. Load it with a larger ContextLength.");
        }

        if (Array.Exists(log, e => !_model.Model.Vocab.Contains(Schedule.Id(e))))
            throw Rejected(path, "it holds tokens that the model does not have");

        // Only the exact schedule cares how a token came about.
        if (!_model.Schedule.Exact)
            log = Array.ConvertAll(log, Schedule.Id);
        return new SessionImage(log, committed, kv);
    }

    // Made by the first session that is saved; a key that two processes make at once is the one that got its name first.
    private byte[] Key()
    {
        string path = Path.Combine(_directory, KeyName);
        try
        {
            if (!File.Exists(path))
            {
                string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}";
                using (FileStream file = NewPrivate(temporary))
                {
                    file.Write(RandomNumberGenerator.GetBytes(KeyBytes));
                    file.Flush(flushToDisk: true);
                }

                try
                {
                    File.Move(temporary, path, overwrite: false);
                }
                catch (IOException) when (File.Exists(path))
                {
                    File.Delete(temporary);
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

    private static FileStream NewPrivate(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    private static VaiUsageException Rejected(string path, string why) => new(
        VaiError.SessionFileRejected, $"{path}: the session was not restored: {why}. Nothing of it was used.");
}
