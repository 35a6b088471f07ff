using VAI.Native.Llama;
using VAI.Pipeline;
using VAI.Sessions;

namespace VAI.Sram;

/// <summary>
/// Finds lines and cells for sessions: what is computed already is shared, what nobody uses is given up, least recently used
/// first, and what an idle session holds is parked. On the pipeline's thread.
/// </summary>
internal sealed class SramPlacer(LlamaContext llama, SramBank bank, Schedule schedule, ParkingLot lot, KvStash? stash)
{
    /// <summary>
    /// Gives a session a line that holds as much of its log as is known anywhere, and reserves cells for the rest. Nothing is given up
    /// for what is reserved: each step frees the cells of its own rows.
    /// </summary>
    /// <param name="session">The session; its log is not empty.</param>
    /// <param name="cells">Entries that it may come to hold.</param>
    /// <param name="growth">Cells that those who run will take meanwhile, beyond their own reservations.</param>
    /// <param name="most">Most entries that may be had without computing them.</param>
    /// <returns>False while there is no room: the session keeps what it has, and can be placed later.</returns>
    public bool TryPlace(Session session, int cells, int growth, int most = int.MaxValue)
    {
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
        if (line.Owner != session)
            Disown(line);
        (session.Line, line.Owner, line.Use, line.Reserved) = (line, session, LineUse.Running, cells);
        bank.Touch(line);
        if (fromHost)
            Restore(line, session.Parked!, parked);
        else if (donor == line)
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
        if (!HasRoom(cells + growth) || Victim(except: null, empty: true) is not { } line)
            return null;
        Disown(line);
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
    /// <returns>False if all that is left runs.</returns>
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
    /// <returns>False if all that hold anything run.</returns>
    public bool GiveUpOne()
    {
        if (Victim(except: null, empty: false) is not { } victim)
            return false;
        Disown(victim);
        Clear(victim);
        return true;
    }

    /// <summary>Moves a session's KV to host memory, and gives its line up.</summary>
    public void Park(Session session)
    {
        if (session.Line is not { } line)
            return;
        Disown(line);
        Clear(line);
    }

    /// <summary>A copy of a session's KV; null if it has none, or there is no host memory for it.</summary>
    public ParkedKv? Copy(Session session) => session.Line is { } line ? Copy(line) : session.Parked?.Copy(lot);

    /// <summary>Gives a forked session the KV of its parent, if a line is to be had that nobody's session holds.</summary>
    public void Fork(Session parent, Session child)
    {
        if (parent.Line is not { } from || !schedule.CanCopy(from.Tokens.Count) || Victim(except: from, empty: true) is not { Owner: null } line)
            return;
        Clear(line);
        (child.Line, line.Owner, line.Use) = (line, child, LineUse.Idle);
        bank.Touch(line);
        Share(from, line, from.Tokens.Count);
    }

    /// <summary>Lets a session's line go; what it holds stays as a cache.</summary>
    public void Release(Session session)
    {
        if (session.Line is { } line)
            (session.Line, line.Owner, line.Use) = (null, null, LineUse.Idle);
        session.Unpark();
        stash?.Release(session);
    }

    /// <summary>Drops a session's KV.</summary>
    public void Drop(Session session)
    {
        SramLine? line = session.Line;
        Release(session);
        if (line is not null)
            Clear(line);
    }

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
            if (line.Tokens.Count <= reused || schedule.Reusable(log, line.Span) is var common && common <= reused)
                continue;
            if (schedule.CanCopy(line.Tokens.Count) || (session.Line is null && IsTakenOver(line, common)))
                (donor, reused) = (line, common);
        }

        return (donor, reused);
    }

    // A cache that is taken over as a whole costs no other line; else one that nobody needs, the donor's last.
    private SramLine? Choose(SramLine? donor, int reused) =>
        donor is not null && IsTakenOver(donor, reused)
            ? donor
            : Victim(except: donor, empty: true) ?? (donor is { Use: not LineUse.Running } ? donor : null);

    private static bool IsTakenOver(SramLine donor, int reused) => donor.Owner is null && donor.Tokens.Count == reused;

    private SramLine? Victim(SramLine? except, bool empty)
    {
        SramLine? best = null;
        foreach (SramLine line in bank.Lines)
        {
            if (line == except || line.Use == LineUse.Running || (!empty && line.Tokens.Count == 0))
                continue;
            if (best is null || Rank(line).CompareTo(Rank(best)) < 0)
                best = line;
        }

        return best;

        static (int, long) Rank(SramLine line) =>
            (line.Owner is not null ? 2 + (int)line.Use : line.Tokens.Count > 0 ? 1 : 0, line.LastUsed);
    }

    private ParkedKv? Copy(SramLine line) => schedule.CanCopy(line.Tokens.Count) ? ParkedKv.Copy(lot, llama, line) : null;

    // What there is no host memory for is computed again from the log.
    private void Disown(SramLine line)
    {
        if (line.Owner is not { } owner)
            return;
        owner.Unpark();
        owner.Parked = Copy(line);
        (owner.Line, line.Owner, line.Use) = (null, null, LineUse.Idle);
    }

    private int Restore(SramLine line, ParkedKv parked, int reused)
    {
        Clear(line);
        if (!MakeRoom(parked.Tokens.Length) || !llama.LoadState(line.Sequence, parked.Bytes))
            return 0;
        bank.Extend(line, parked.Tokens);
        return Truncate(line, reused);
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
        llama.Clear(line.Sequence);
        bank.Truncate(line, 0);
    }
}
