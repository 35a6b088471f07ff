using System.Diagnostics;
using VAI.Daemon.Supervision.Link;

namespace VAI.Daemon.Supervision.Engines;

/// <summary>
/// Whether an engine comes on. It is condemned when it had work and showed nothing for it longer than its patience and twice its longest step:
/// a ping was not answered, or a step did not end, or what it answers by itself was not answered while it used neither CPU nor memory.
/// How long an answer takes says nothing, nor does a socket that is full.
/// </summary>
/// <remarks>One tick at a time. A tick that comes late counts as one: then it was this process that had no core.</remarks>
internal sealed class EngineWatch(EngineProcess engine, SupervisionOptions options)
{
    // Of a tick: more than what pings cost.
    private const long LeastTicks = 2;
    private const long LeastPages = 64;
    private const int Computing = 4;

    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(1);

    private readonly Stretch _link = new();
    private readonly Stretch _step = new();
    private readonly Stretch _idle = new();
    private readonly Stretch _effort = new();
    private long _last = Stopwatch.GetTimestamp();
    private (ulong, ulong, ulong) _marks;
    private long _received;
    private TimeSpan _sincePing;
    private (long Ticks, long Pages) _used;

    /// <summary>Looks; says what is wrong, or null.</summary>
    public string? Tick()
    {
        long now = Stopwatch.GetTimestamp();
        TimeSpan passed = Stopwatch.GetElapsedTime(_last, now);
        _last = now;
        if (passed > options.Tick * 2)
            passed = options.Tick;
        TimeSpan bound = options.Patience + (engine.Page.Longest * 2);
        (ulong begun, ulong ended, ulong moves) marks = engine.Page.Marks;
        bool moved = marks != _marks;
        _marks = marks;
        EngineLink? link = engine.Link;
        bool received = link is not null && link.Received != _received;
        _received = link?.Received ?? 0;

        if (link is not null)
        {
            if (_link.Silent(link.IsPinged && !received, passed) > bound)
                return $"it has not answered a ping for {bound.TotalSeconds:0.#} s";
            _sincePing = received ? TimeSpan.Zero : _sincePing + passed;
            if (_sincePing >= PingAfter && !link.IsPinged)
            {
                _sincePing = TimeSpan.Zero;
                link.Ping();
            }
        }

        // A step that computes may be one of many that share few cores; so what it is given for one is more. Starting, and what needs no step, is
        // seen by its use of CPU and memory alone.
        bool steps = marks.begun != marks.ended && !moved;
        bool asked = (link is null || link.IsAsked) && !moved;
        bool works = (steps || asked) && Works();
        if (_step.Silent(steps, passed) > bound * Computing || _idle.Silent(steps && !works, passed) > bound)
            return $"a step of its pipeline has not ended for {bound.TotalSeconds:0.#} s";
        return _effort.Silent(asked && !works, passed) > bound ? $"it has not done anything of what it was asked for {bound.TotalSeconds:0.#} s" : null;
    }

    private bool Works()
    {
        (long Ticks, long Pages) used = engine.Effort();
        bool works = used.Ticks - _used.Ticks >= LeastTicks || Math.Abs(used.Pages - _used.Pages) >= LeastPages;
        _used = used;
        return works;
    }

    /// <summary>How long something has lasted.</summary>
    private sealed class Stretch
    {
        private TimeSpan _length;

        public TimeSpan Silent(bool lasts, TimeSpan passed) => _length = lasts ? _length + passed : TimeSpan.Zero;
    }
}
