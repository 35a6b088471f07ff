using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using VAI.Native.Llama;
using VAI.Pipeline.Steps;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Sram;

/// <summary>
/// Copies of a model's KV in shared memory, which outlive the process: the one that takes over computes only what came after the last
/// copy. A session is copied when computing again what is not copied yet would take <see cref="Worth"/> times as long as the copy does,
/// so that copying costs at most one part in <see cref="Worth"/> of the time, whatever the model and the length. They are never the
/// truth: that is the token log. A copy is made in slices, between steps, while its session runs on.
/// </summary>
/// <remarks>Used on the pipeline's thread.</remarks>
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
    private readonly int _window;
    private double _ticksPerToken;

    private KvStash(KvStashDirectory directory, SessionSeal seal, ModelContext model) =>
        (_directory, _seal, _llama, _schedule, _window) = (directory, seal, model.Llama, model.Schedule, model.Info.SlidingWindow);

    /// <summary>Null for a model without a ROM.</summary>
    public static KvStash? For(ModelContext model, KvStashDirectory directory) =>
        SessionSeal.For(model) is { } seal ? new KvStash(directory, seal, model) : null;

    /// <summary>A step computed for a session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="ticks">Its part of the step's time.</param>
    public void Stepped(Session session, long ticks)
    {
        session.Uncopied += ticks;
        if (session.Copying is null && session.Line is { } line && session.Uncopied >= Worth * Cost(line) && _schedule.CanCopy(line.Tokens.Count))
            _due.Add(session);
    }

    /// <summary>Begins to copy the sessions that are due, after the step that made them so.</summary>
    public void Copy(KvTransfers transfers)
    {
        foreach (Session session in _due)
        {
            session.Uncopied = 0;
            if (session.Line is not { } line || session.Copying is not null)
                continue;
            session.Copying = new KvStashCopy(_llama, line, bytes => FileFor(session, bytes), l => Cut(l, transfers), (c, end) => Copied(session, c, end));
            transfers.Begin(session.Copying);
        }

        _due.Clear();
    }

    /// <summary>Finds what another process has left of a session, which is then parked until it is placed.</summary>
    public void Recall(Session session)
    {
        ReadOnlySpan<int> log = session.LogSpan;
        SessionSeal seal = _seal.For(session.Options.Tag);
        while (Best(log, seal) is { } file)
        {
            if (!_directory.TakeUp(file))
                continue;
            ReadOnlySpan<byte> image = ImageOf(file, seal, out SessionSeal.Header numbers);
            if (Checksum(image, numbers) != BinaryPrimitives.ReadUInt32LittleEndian(image[^4..])
                || KvSlice.ReadTable(Table(image, numbers), numbers.KvEntries, numbers.KvBytes) is not { } slices)
            {
                file.Dispose();
                continue;
            }

            // Each slice is checked when its turn comes: to read all of it here would take as long as to copy it.
            session.Copied = file;
            session.Parked = ParkedKv.Lend(KvLog(image, numbers).ToArray(), slices, file.WholeStart + HeadBytes(numbers));
            return;
        }
    }

    /// <summary>A session is gone.</summary>
    public void Release(Session session, KvTransfers transfers)
    {
        if (session.Copying is { } copying)
            transfers.Stop(copying, null);
        if (session.Copied is { } file)
            _directory.Return(file);
        session.Copied = null;
    }

    // Against a process that died because it wrote where it should not have. The directory is as private as that of the weights,
    // which are trusted too: nothing is authenticated.
    // Of all but the slices, each of which has its own.
    private static uint Checksum(ReadOnlySpan<byte> image, in SessionSeal.Header numbers) => KvSlice.Sum(image[..(int)HeadBytes(numbers)]);

    private static long HeadBytes(in SessionSeal.Header numbers) => numbers.ImageBytes - SessionSeal.MacBytes - numbers.KvBytes;

    private static ReadOnlySpan<byte> Table(ReadOnlySpan<byte> image, in SessionSeal.Header numbers) =>
        image.Slice(SessionSeal.HeaderBytes + (4 * numbers.KvEntries), KvSlice.EntryBytes * numbers.Slices);

    private static ReadOnlySpan<int> KvLog(ReadOnlySpan<byte> image, in SessionSeal.Header numbers) =>
        MemoryMarshal.Cast<byte, int>(image.Slice(SessionSeal.HeaderBytes, 4 * numbers.KvEntries));

    // Empty if it is not one, of another model, or of somebody who shares nothing with this session.
    private static ReadOnlySpan<byte> ImageOf(KvStashFile file, SessionSeal seal, out SessionSeal.Header numbers)
    {
        ReadOnlySpan<byte> whole = file.Whole;
        return SessionSeal.TryRead(whole, out numbers) is null && numbers is { Entries: 0, HasSlices: true } && numbers.ImageBytes <= whole.Length
            && seal.IsOfModel(whole) && seal.IsOfKind(whole)
            ? whole[..(int)numbers.ImageBytes]
            : default;
    }

    private KvStashFile? Best(ReadOnlySpan<int> log, SessionSeal seal)
    {
        (KvStashFile? best, int most) = (null, 0);
        foreach (KvStashFile file in _directory.Left)
        {
            ReadOnlySpan<byte> image = ImageOf(file, seal, out SessionSeal.Header numbers);
            if (image.IsEmpty)
                continue;
            int common = log.CommonPrefixLength(KvLog(image, numbers));
            if (common > most && common + Slack >= Math.Min(log.Length, numbers.KvEntries))
                (best, most) = (file, common);
        }

        return best;
    }

    private double Cost(SramLine line) => _ticksPerToken * line.Tokens.Count;

    // Of a line that runs on llama.cpp drops what its window has left behind: what the window holds is copied at once.
    private KvSlice[]? Cut(SramLine line, KvTransfers transfers)
    {
        int length = line.Tokens.Count;
        return length > 0 && _schedule.CanCopy(length) ? KvSlice.Cut(length, transfers.SliceOf(line), _window) : null;
    }

    private KvStashFile? FileFor(Session session, long bytes) =>
        session.Copied is { } old && old.Capacity >= bytes ? old : _directory.Take(2 * bytes);

    private void Copied(Session session, KvStashCopy copy, KvTransferEnd end)
    {
        session.Copying = null;
        if (copy.File is not { } file)
            return;
        bool whole = end == KvTransferEnd.Whole;
        KvStashFile? old = session.Copied;
        if (whole)
        {
            int slices = copy.Slices.Length;
            Span<byte> image = file.Next[..(int)SessionSeal.Length(0, copy.Length, slices, copy.Bytes)];
            _seal.For(session.Options.Tag).WriteHeader(image, 0, 0, copy.Length, slices, copy.Bytes);
            KvSlice.WriteTable(image[(SessionSeal.HeaderBytes + (4 * copy.Length))..], copy.Slices);
            image[^SessionSeal.MacBytes..].Clear();
            _ = SessionSeal.TryRead(image, out SessionSeal.Header numbers);
            BinaryPrimitives.WriteUInt32LittleEndian(image[^4..], Checksum(image, numbers));
            file.Publish();
            session.Copied = file;
        }

        if (file != old && (whole ? old : file) is { } useless)
            _directory.Return(useless);
        if (!whole)
            return;

        // To touch memory for the first time takes much longer, but once; and now and then a copy is interrupted.
        double before = _ticksPerToken > 0 ? _ticksPerToken : copy.Bytes / BytesPerSecond * Stopwatch.Frequency / copy.Length;
        double ticks = file.Copies > 2 ? (double)copy.Ticks / copy.Length : before;
        _ticksPerToken = Math.Min(ticks, before * 1.25);
    }
}
