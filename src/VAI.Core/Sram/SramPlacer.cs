using VAI.Native.Llama;
using VAI.Pipeline.Steps;
using VAI.Sessions;

namespace VAI.Sram;

/// <summary>
/// Finds lines and cells for sessions: what is computed already is shared, what nobody uses is given up, least recently used
/// first, and what an idle session holds is parked. On the pipeline's thread.
/// </summary>
/// <remarks>
/// What is parked goes in slices between steps (<see cref="KvTransfers"/>), and its cells are free when it has gone. Nobody waits for ever:
/// a copy that has begun needs nothing of anybody's and goes on in every turn, so that it ends; one line at a time is evicted, and who has
/// waited for it looks again at its end, first due first. Until then those who run take what is free, and no more of them are parked. An
/// owner that is placed meanwhile takes its line back, but only where the bank has room for all who run and for it: no one's cells are missed.
/// </remarks>
internal sealed class SramPlacer(
    LlamaContext llama, SramBank bank, Schedule schedule, ParkingLot lot, KvStash? stash, KvTransfers transfers, Action freed)
{
    /// <summary>Whether cells will be free once a copy has ended.</summary>
    public bool IsFreeing
    {
        get
        {
            foreach (SramLine line in bank.Lines)
            {
                if (line.Departure is not null)
                    return true;
            }

            return false;
        }
    }

    /// <summary>Whether something was put off to the next turn, in which there may be time for it.</summary>
    public bool PutOff { get; private set; }

    /// <summary>What was held of the log that was placed last.</summary>
    public NearestKv Nearest { get; private set; }

    /// <summary>KV on its way.</summary>
    public KvTransfers Transfers => transfers;

    /// <summary>
    /// Gives a session a line that holds as much of its log as is known anywhere, and reserves cells for the rest. Nothing is given up
    /// for what is reserved: each step frees the cells of its own rows.
    /// </summary>
    /// <param name="session">The session; its log is not empty.</param>
    /// <param name="cells">Entries that it may come to hold.</param>
    /// <param name="growth">Cells that those who run will take meanwhile, beyond their own reservations.</param>
    /// <param name="most">Most entries that may be had without computing them.</param>
    /// <returns>
    /// False while there is no room: the session keeps what it has, and can be placed later. Its line may have an arrival: then it can
    /// take part in steps when that has ended.
    /// </returns>
    public bool TryPlace(Session session, int cells, int growth, int most = int.MaxValue)
    {
        PutOff = false;
        if (session.MayBeCopied && session.Line is null && session.Parked is null)
            stash?.Recall(session);
        session.MayBeCopied = false;
        ReadOnlySpan<int> log = session.LogSpan;

        // Of a log there is always one entry to compute.
        ReadOnlySpan<int> wanted = most < log.Length - 1 ? log[..(most + 1)] : log;
        (SramLine? donor, int reused) = Best(session, wanted);
        int parked = session.Parked is { } p ? schedule.Reusable(wanted, p.Tokens) : 0;
        bool fromHost = parked > reused;
        if (fromHost)
            (donor, reused) = (null, 0);

        // What is shared with a line that runs is there.
        if (!HasRoom(cells - (donor is { Use: LineUse.Running } ? reused : 0) + growth) || (session.Line ?? Choose(donor, reused)) is not { } line)
            return false;
        if (line.Owner == session)
            Keep(line);
        else if (!TryEvict(line, clear: false))
            return false;
        Nearest = reused < log.Length - 1 ? NearestTo(session, log) : default;
        bool copies = !bank.Pooled && donor is not null && donor != line && reused > 0;
        if (copies && !transfers.MayCopy(llama.StateBytes(donor!.Sequence)))
        {
            PutOff = true;
            return false;
        }

        (session.Line, line.Owner, line.Use, line.Reserved) = (line, session, LineUse.Running, cells);
        line.Tag = session.Options.Tag;
        bank.Touch(line);
        if (fromHost)
        {
            Clear(line);
            line.Arrival = new KvArrival(llama, bank, this, line, session.Parked!, parked, Arrived);
            transfers.Begin(line.Arrival);
            return true;
        }

        if (donor == line)
            Truncate(line, reused);
        else
            Share(donor, line, reused);
        session.Unpark();
        return true;
    }

    /// <summary>Gives an empty line to who has no session, and reserves cells for it.</summary>
    /// <returns>Null while there is no room.</returns>
    public SramLine? TryTake(int cells, int growth)
    {
        if (!HasRoom(cells + growth) || Victim(except: null, empty: true) is not { } line || !TryEvict(line, clear: true))
            return null;
        Clear(line);
        (line.Use, line.Reserved) = (LineUse.Running, cells);
        bank.Touch(line);
        return line;
    }

    /// <summary>Takes back a line from <see cref="TryTake"/>.</summary>
    public void Return(SramLine line)
    {
        Clear(line);
        line.Use = LineUse.Idle;
    }

    /// <summary>Frees cells until so many are free.</summary>
    /// <returns>False if all that is left runs, or while it is on its way (<see cref="IsFreeing"/>).</returns>
    public bool MakeRoom(int cells)
    {
        while (bank.CellsFree < cells)
        {
            if (!GiveUpOne())
                return false;
        }

        return true;
    }

    /// <summary>Gives up the line that is needed least.</summary>
    /// <returns>False if it gave up none at once: all that hold anything run, or are on their way.</returns>
    public bool GiveUpOne()
    {
        if (Victim(except: null, empty: false) is not { } victim || !TryEvict(victim, clear: true))
            return false;
        Clear(victim);
        return true;
    }

    /// <summary>Moves a session's KV to host memory, and gives its line up.</summary>
    /// <returns>Ends when that has.</returns>
    public Task ParkAsync(Session session)
    {
        if (session.Line is not { } line)
            return Task.CompletedTask;
        line.Use = LineUse.Idle;
        if (line.Departure is null)
            Depart(line, evicts: true, clear: true);
        return line.Departure?.Task ?? Task.CompletedTask;
    }

    /// <summary>Moves the KV of a session that ran to host memory, and gives its line up.</summary>
    public void Park(Session session)
    {
        if (session.Line is not { } line)
            return;
        line.Use = LineUse.Idle;
        if (line.Arrival is not null)
            StopArrival(line);
        else if (line.Departure is null)
            Depart(line, evicts: true, clear: true);
    }

    /// <summary>A copy of a session's KV.</summary>
    public Task<CopiedKv> CopyAsync(Session session)
    {
        if (session.Line is not { } line)
            return Task.FromResult(new CopiedKv(session.Parked, IsTheSessions: true));
        CopiedKv made = default;
        if (line.Departure is null)
            Depart(line, evicts: false, clear: false, copy => made = new CopiedKv(copy, IsTheSessions: false));
        return line.Departure?.Task ?? Task.FromResult(made);
    }

    /// <summary>Ends the copies of a session's line, if any are being made.</summary>
    /// <param name="session">The session; it keeps the line.</param>
    /// <param name="why">For who waits for them.</param>
    public void StopCopies(Session session, Exception? why)
    {
        if (session.Line is { Departure: { } departure })
            transfers.Stop(departure, why);
    }

    /// <summary>A line is wanted again by who has it: it is given up no longer.</summary>
    public void Keep(SramLine line)
    {
        if (line.Departure is { } departure)
            transfers.Stop(departure, null);
    }

    /// <summary>Takes back a line that its session's KV is on its way to; it stays in host memory.</summary>
    public void StopArrival(SramLine line)
    {
        if (line.Arrival is { } arrival)
            transfers.Stop(arrival, null);
    }

    /// <summary>Gives a forked session the KV of its parent, if a line is to be had that nobody's session holds.</summary>
    public void Fork(Session parent, Session child)
    {
        if (parent.Line is not { } from || !schedule.CanCopy(from.Tokens.Count) || Victim(except: from, empty: true) is not { Owner: null } line
            || (!bank.Pooled && !transfers.MayCopy(llama.StateBytes(from.Sequence))))
        {
            return;
        }

        Clear(line);
        (child.Line, line.Owner, line.Use, line.Tag) = (line, child, LineUse.Idle, child.Options.Tag);
        bank.Touch(line);
        Share(from, line, from.Tokens.Count);
    }

    /// <summary>Lets a session's line go; what it holds stays as a cache.</summary>
    public void Release(Session session)
    {
        if (session.Line is { Arrival: not null } to)
            StopArrival(to);
        if (session.Line is { } line)
        {
            StopCopies(session, Session.Disposed());
            (session.Line, line.Owner, line.Use) = (null, null, LineUse.Idle);
        }

        session.Unpark();
        stash?.Release(session, transfers);
    }

    /// <summary>Drops a session's KV.</summary>
    public void Drop(Session session)
    {
        SramLine? line = session.Line;
        Release(session);
        if (line is not null)
            Clear(line);
    }

    /// <summary>Forgets entries that are to be computed once more; all of them where memory cannot forget a part.</summary>
    public void Rewind(SramLine line, int length) => Truncate(line, length);

    /// <summary>Takes out of llama.cpp what a failed step may have left beyond what was counted.</summary>
    public void Resync(SramLine line) => Truncate(line, line.Tokens.Count, force: true);

    // Whatever does not run can be given up.
    private bool HasRoom(int cells) => !bank.Pooled || bank.CellsClaimed + cells <= bank.Cells;

    private (SramLine? Donor, int Reused) Best(Session session, ReadOnlySpan<int> log)
    {
        SramLine? donor = session.Line;
        int reused = donor is null ? 0 : schedule.Reusable(log, donor.Span);
        foreach (SramLine line in bank.Lines)
        {
            // What others computed is not told by the time that it saves.
            if (line.Tag != session.Options.Tag)
                continue;
            if (line.Tokens.Count <= reused || schedule.Reusable(log, line.Span) is var common && common <= reused)
                continue;
            if (schedule.CanCopy(line.Tokens.Count) || (session.Line is null && IsTakenOver(line, common)))
                (donor, reused) = (line, common);
        }

        return (donor, reused);
    }

    private NearestKv NearestTo(Session session, ReadOnlySpan<int> log)
    {
        NearestKv nearest = default;
        if (session.Line is { } own)
            nearest = nearest.Or(log, own.Span);
        if (session.Parked is { } parked)
            nearest = nearest.Or(log, parked.Tokens);
        foreach (SramLine line in bank.Lines)
        {
            // Of what others computed nothing is told.
            if (line.Tag == session.Options.Tag)
                nearest = nearest.Or(log, line.Span);
        }

        return nearest;
    }

    // A cache that is taken over as a whole costs no other line; else one that nobody needs, the donor's last.
    private SramLine? Choose(SramLine? donor, int reused) =>
        donor is not null && IsTakenOver(donor, reused)
            ? donor
            : Victim(except: donor, empty: true) ?? (donor is { Use: not LineUse.Running, Departure: null } ? donor : null);

    private static bool IsTakenOver(SramLine donor, int reused) => donor.Owner is null && donor.Tokens.Count == reused;

    private SramLine? Victim(SramLine? except, bool empty)
    {
        SramLine? best = null;
        foreach (SramLine line in bank.Lines)
        {
            if (line == except || line.Use == LineUse.Running || line.Departure is not null || (!empty && line.Tokens.Count == 0))
                continue;
            if (best is null || Rank(line).CompareTo(Rank(best)) < 0)
                best = line;
        }

        return best;

        static (int, long) Rank(SramLine line) =>
            (line.Owner is not null ? 2 + (int)line.Use : line.Tokens.Count > 0 ? 1 : 0, line.LastUsed);
    }

    /// <summary>Has a line's owner, if it has one, give it up; one at a time.</summary>
    /// <returns>False while that is on its way.</returns>
    private bool TryEvict(SramLine line, bool clear)
    {
        if (line.Owner is null)
            return true;
        foreach (SramLine other in bank.Lines)
        {
            if (other.Departure is { Evicts: true })
                return false;
        }

        Depart(line, evicts: true, clear);
        return line.Owner is null;
    }

    // What there is no host memory for is computed again from the log.
    private void Depart(SramLine line, bool evicts, bool clear, Action<ParkedKv?>? made = null)
    {
        int length = line.Tokens.Count;
        if (length == 0 || !schedule.CanCopy(length) || !lot.HasRoom(llama.StateBytes(line.Sequence)))
        {
            Ended(KvTransferEnd.Failed, null);
            return;
        }

        line.Departure = new KvDeparture(llama, line, lot, KvSlice.Cut(length, transfers.SliceOf(line)), evicts, Ended);
        transfers.Begin(line.Departure);

        void Ended(KvTransferEnd end, ParkedKv? copy)
        {
            line.Departure = null;
            if (evicts && end != KvTransferEnd.Stopped)
                Disown(line, copy, clear);
            made?.Invoke(copy);
            freed();
        }
    }

    private void Disown(SramLine line, ParkedKv? copy, bool clear)
    {
        Session owner = line.Owner!;
        owner.Unpark();
        owner.Parked = copy;
        (owner.Line, line.Owner, line.Use) = (null, null, LineUse.Idle);
        if (clear)
            Clear(line);
    }

    private void Arrived(KvArrival arrival, KvTransferEnd end)
    {
        SramLine line = arrival.Line;
        Session session = line.Owner!;
        line.Arrival = null;
        if (end != KvTransferEnd.Stopped)
        {
            Truncate(line, Math.Min(arrival.Wanted, line.Tokens.Count));
            session.Unpark();
            return;
        }

        (session.Line, line.Owner, line.Use) = (null, null, LineUse.Idle);
        Clear(line);
        freed();
    }

    private int Share(SramLine? donor, SramLine line, int length)
    {
        Clear(line);
        if (donor is null || length == 0)
            return 0;
        if (!llama.Share(donor.Sequence, line.Sequence, length))
        {
            llama.Clear(line.Sequence);
            return 0;
        }

        bank.Share(donor, line, length);
        return length;
    }

    private int Truncate(SramLine line, int length, bool force = false)
    {
        if (length == line.Tokens.Count && !force)
            return length;
        transfers.Cut(line, length);
        if (llama.Truncate(line.Sequence, length))
        {
            bank.Truncate(line, length);
            return length;
        }

        Clear(line);
        return 0;
    }

    private void Clear(SramLine line)
    {
        transfers.Cut(line, 0);
        llama.Clear(line.Sequence);
        bank.Truncate(line, 0);
    }
}
