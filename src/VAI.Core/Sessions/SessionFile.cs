using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VAI.Native.Memory;
using VAI.Pipeline.Steps;
using VAI.Residency;
using VAI.Sram;

namespace VAI.Sessions;

/// <summary>
/// Sessions in files. A file is untrusted: it is authenticated by a key that only this user's ROM directory holds before
/// anything of it is used, because llama.cpp trusts the KV that it is given.
/// </summary>
internal sealed class SessionFile
{
    private readonly ModelContext _model;
    private readonly SessionSeal _seal;

    private SessionFile(ModelContext model, SessionSeal seal) => (_model, _seal) = (model, seal);

    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>: the model has no ROM to bind a file to.</exception>
    public static SessionFile For(ModelContext model) => SessionSeal.For(model) is { } seal
        ? new SessionFile(model, seal)
        : throw new VaiUsageException(
            VaiError.NotSupported,
            $"'{model.Name}' was loaded without a ROM, by whose digest a saved session is bound to its model. Load it with profile fast or exact.");

    /// <summary>Writes a session. What was at the path is replaced at once, or not at all.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.FileNotWritable"/>.</exception>
    public void Write(string path, int[] log, int committed, ParkedKv? kv)
    {
        byte[] header = new byte[SessionSeal.HeaderBytes];
        _seal.WriteHeader(header, log.Length, committed, kv?.Tokens.Length ?? 0, kv?.Slices.Length ?? 0, kv?.Length ?? 0);
        byte[] table = new byte[KvSlice.EntryBytes * (kv?.Slices.Length ?? 0)];
        KvSlice.WriteTable(table, kv is null ? default : kv.Slices);
        try
        {
            using IncrementalHash mac = _seal.NewMac();
            using var draft = SessionDraft.Begin(path);
            Put(header);
            Put(MemoryMarshal.AsBytes(log.AsSpan()));
            Put(MemoryMarshal.AsBytes((kv?.Tokens ?? []).AsSpan()));
            Put(table);
            for (int i = 0; i < kv?.Slices.Length; i++)
                Put(kv.Bytes(i));
            draft.Stream.Write(mac.GetHashAndReset());
            draft.Publish();

            void Put(ReadOnlySpan<byte> bytes)
            {
                mac.AppendData(bytes);
                draft.Stream.Write(bytes);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiEngineException(VaiError.FileNotWritable, $"{path}: the session could not be saved: {e.Message} Check the path and the space.", e);
        }
    }

    /// <summary>Reads a session back. KV of another build, CPU or geometry is left out: it is computed again from the log.</summary>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/>, <see cref="VaiError.FileNotReadable"/>, <see cref="VaiError.SessionFileRejected"/>, or
    /// <see cref="VaiError.ContextFull"/>: it is longer than the model's context.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public SessionImage Read(string path, CancellationToken cancellationToken)
    {
        try
        {
            using FileStream file = Open(path);
            return Read(path, file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"{path}: {e.Message}", e);
        }
    }

    /// <summary>Opens one to be read.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.</exception>
    public static FileStream Open(string path)
    {
        if (Directory.Exists(path))
            throw new VaiUsageException(VaiError.FileNotReadable, $"{path}: is a directory. Give the path of a saved session.");
        if (!File.Exists(path))
            throw new VaiUsageException(VaiError.FileNotFound, $"{path}: there is no such file. Check the path.");
        try
        {
            // .NET's own open would wait for ever on a pipe that nobody writes to.
            if (!OperatingSystem.IsLinux())
                return File.OpenRead(path);
            return RegularFile.TryOpen(path) is { } handle
                ? new FileStream(handle, FileAccess.Read)
                : throw new VaiUsageException(VaiError.FileNotReadable, $"{path}: is not a regular file that can be read. Give the path of a saved session.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"{path}: {e.Message}", e);
        }
    }

    private SessionImage Read(string path, FileStream file, CancellationToken cancellationToken)
    {
        byte[] header = new byte[SessionSeal.HeaderBytes];
        int length = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (SessionSeal.TryRead(header.AsSpan(0, length), out SessionSeal.Header numbers) is { } wrong)
            throw Rejected(path, wrong);
        if (file.Length != numbers.ImageBytes)
            throw Rejected(path, "its length is not what its header says");
        using IncrementalHash mac = _seal.NewMac();
        mac.AppendData(header);
        int[] log = new int[numbers.Entries];
        int[] kvLog = new int[numbers.KvEntries];
        Take(MemoryMarshal.AsBytes(log.AsSpan()));
        Take(MemoryMarshal.AsBytes(kvLog.AsSpan()));
        byte[] table = new byte[KvSlice.EntryBytes * numbers.Slices];
        Take(table);
        KvSlice[]? slices = numbers.HasSlices ? KvSlice.ReadTable(table, numbers.KvEntries, numbers.KvBytes) : [];
        if (slices is null)
            throw Rejected(path, "its slices are not what its header says");
        ParkedKv? kv = slices.Length > 0 && _seal.IsOfKind(header) ? ParkedKv.ToFill(_model.Lot, kvLog, slices) : null;
        try
        {
            // Where there is no room for it, it is computed again.
            long left = numbers.KvBytes;
            for (int i = 0; i < slices.Length && kv is not null; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (kv.TryTake(i, slices[i].Bytes))
                {
                    Take(kv.Bytes(i));
                    left -= slices[i].Bytes;
                    continue;
                }

                kv.Dispose();
                kv = null;
            }

            Skip(left);
            byte[] stored = new byte[SessionSeal.MacBytes];
            file.ReadExactly(stored);
            if (!CryptographicOperations.FixedTimeEquals(stored, mac.GetHashAndReset()))
                throw Rejected(path, "it was changed, or saved under another ROM directory");
            return Checked(path, header, log, numbers.Committed, kv);
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
            {
                cancellationToken.ThrowIfCancellationRequested();
                Take(slice.AsSpan(0, (int)Math.Min(slice.Length, bytes - at)));
            }
        }
    }

    private SessionImage Checked(string path, byte[] header, int[] log, int committed, ParkedKv? kv)
    {
        if (!_seal.IsOfModel(header))
            throw Rejected(path, $"it belongs to another model than '{_model.Name}'");
        if (log.Length > _model.ContextLength)
        {
            throw new VaiUsageException(
                VaiError.ContextFull,
                $"{path}: the session has {log.Length} tokens, and '{_model.Name}' a context of {_model.ContextLength}. Load it with a larger context.");
        }

        if (Array.Exists(log, e => !_model.Model.Vocab.Contains(Schedule.Id(e))))
            throw Rejected(path, "it holds tokens that the model does not have");

        // Only the exact schedule cares how a token came about.
        if (!_model.Schedule.Exact)
            log = Array.ConvertAll(log, Schedule.Id);
        return new SessionImage(log, committed, kv);
    }

    /// <summary>The path as others see it. One with a NUL is none, and is not found where it is opened.</summary>
    public static string FullPath(string path) => path.Contains('\0') ? path : Path.GetFullPath(path);

    /// <summary>Makes a file that only this user can read.</summary>
    internal static FileStream NewPrivate(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    private static VaiUsageException Rejected(string path, string why) => new(
        VaiError.SessionFileRejected, $"{path}: the session was not restored: {why}. Nothing of it was used.");
}
