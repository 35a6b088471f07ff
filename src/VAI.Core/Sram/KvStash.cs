using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Pipeline;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Sram;

/// <summary>
/// Copies of a model's KV in shared memory, which outlive the process: the one that takes over computes only what came after the last
/// copy. A session is copied when computing again what is not copied yet would take <see cref="Worth"/> times as long as the copy does,
/// so that copying costs at most one part in <see cref="Worth"/> of the time, whatever the model and the length. They are never the
/// truth: that is the token log.
/// </summary>
/// <remarks>Used on the pipeline's thread. Allocates only where a session's copy outgrows its file.</remarks>
internal sealed unsafe class KvStash
{
    private const int Worth = 32;

    // A log and a copy of it may differ by what was on its way when the process died.
    private const int Slack = 8;

    // What copying is taken for until it was measured.
    private const double BytesPerSecond = 1e9;

    private readonly KvStashDirectory _directory;
    private readonly SessionSeal _seal;
    private readonly LlamaContext _llama;
    private readonly Schedule _schedule;
    private readonly List<Session> _due = [];
    private double _ticksPerToken;

    private KvStash(KvStashDirectory directory, SessionSeal seal, ModelContext model) =>
        (_directory, _seal, _llama, _schedule) = (directory, seal, model.Llama, model.Schedule);

    /// <summary>Null for a model without a ROM.</summary>
    public static KvStash? For(ModelContext model, KvStashDirectory directory) =>
        SessionSeal.For(model) is { } seal ? new KvStash(directory, seal, model) : null;

    /// <summary>A step computed for a session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="ticks">Its part of the step's time.</param>
    public void Stepped(Session session, long ticks)
    {
        session.Uncopied += ticks;
        if (session.Line is { } line && session.Uncopied >= Worth * Cost(line) && _schedule.CanCopy(line.Tokens.Count))
            _due.Add(session);
    }

    /// <summary>Copies the sessions that are due, after the step that made them so.</summary>
    public void Copy()
    {
        foreach (Session session in _due)
        {
            session.Uncopied = 0;
            if (session.Line is { } line)
                Copy(session, line);
        }

        _due.Clear();
    }

    /// <summary>Finds what another process has left of a session, which is then parked until it is placed.</summary>
    public void Recall(Session session)
    {
        ReadOnlySpan<int> log = session.LogSpan;
        while (Best(log) is { } file)
        {
            if (!_directory.TakeUp(file))
                continue;
            ReadOnlySpan<byte> image = ImageOf(file, out SessionSeal.Header numbers);
            if (Checksum(image) != BinaryPrimitives.ReadUInt32LittleEndian(image[^4..]))
            {
                file.Dispose();
                continue;
            }

            session.Copied = file;
            session.Parked = ParkedKv.Lend(KvLog(image, numbers).ToArray(), Kv(file, numbers), numbers.KvBytes);
            return;
        }
    }

    /// <summary>A session is gone.</summary>
    public void Release(Session session)
    {
        if (session.Copied is { } file)
            _directory.Return(file);
        session.Copied = null;
    }

    // Against a process that died because it wrote where it should not have. The directory is as private as that of the weights,
    // which are trusted too: nothing is authenticated.
    private static uint Checksum(ReadOnlySpan<byte> image) => Crc32C.Append(Crc32C.Seed, image[..^8]);

    private static void* Kv(KvStashFile file, in SessionSeal.Header numbers) =>
        file.WholeStart + SessionSeal.HeaderBytes + (4L * numbers.KvEntries);

    private static ReadOnlySpan<int> KvLog(ReadOnlySpan<byte> image, in SessionSeal.Header numbers) =>
        MemoryMarshal.Cast<byte, int>(image.Slice(SessionSeal.HeaderBytes, 4 * numbers.KvEntries));

    // Empty if it is not one, or of another model.
    private ReadOnlySpan<byte> ImageOf(KvStashFile file, out SessionSeal.Header numbers)
    {
        ReadOnlySpan<byte> whole = file.Whole;
        return SessionSeal.TryRead(whole, out numbers) is null && numbers.Entries == 0 && numbers.ImageBytes <= whole.Length
            && _seal.IsOfModel(whole) && _seal.IsOfKind(whole)
            ? whole[..(int)numbers.ImageBytes]
            : default;
    }

    private KvStashFile? Best(ReadOnlySpan<int> log)
    {
        (KvStashFile? best, int most) = (null, 0);
        foreach (KvStashFile file in _directory.Left)
        {
            ReadOnlySpan<byte> image = ImageOf(file, out SessionSeal.Header numbers);
            if (image.IsEmpty)
                continue;
            int common = log.CommonPrefixLength(KvLog(image, numbers));
            if (common > most && common + Slack >= Math.Min(log.Length, numbers.KvEntries))
                (best, most) = (file, common);
        }

        return best;
    }

    private double Cost(SramLine line) => _ticksPerToken * line.Tokens.Count;

    private void Copy(Session session, SramLine line)
    {
        long start = Stopwatch.GetTimestamp();
        ReadOnlySpan<int> log = line.Span;
        long kvBytes = _llama.StateBytes(line.Sequence);
        long bytes = SessionSeal.Length(0, log.Length, kvBytes);
        KvStashFile? old = session.Copied;
        KvStashFile? file = old is not null && old.Capacity >= bytes ? old : _directory.Take(2 * bytes);
        if (file is null)
            return;
        Span<byte> image = file.Next[..(int)bytes];
        Span<byte> kv = image[(SessionSeal.HeaderBytes + (4 * log.Length))..^SessionSeal.MacBytes];
        _seal.WriteHeader(image, 0, 0, log.Length, kvBytes);
        MemoryMarshal.AsBytes(log).CopyTo(image[SessionSeal.HeaderBytes..]);
        bool saved = _llama.SaveState(line.Sequence, kv) == kvBytes;
        if (saved)
        {
            image[^SessionSeal.MacBytes..].Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(image[^4..], Checksum(image));
            file.Publish();
            session.Copied = file;
        }

        if (file != old && (saved ? old : file) is { } useless)
            _directory.Return(useless);

        // To touch memory for the first time takes much longer, but once; and now and then a copy is interrupted.
        double before = _ticksPerToken > 0 ? _ticksPerToken : bytes / BytesPerSecond * Stopwatch.Frequency / log.Length;
        double ticks = file.Copies > 2 ? (double)(Stopwatch.GetTimestamp() - start) / log.Length : before;
        _ticksPerToken = Math.Min(ticks, before * 1.25);
    }
}
