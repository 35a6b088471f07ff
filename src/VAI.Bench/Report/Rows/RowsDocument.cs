using System.Text;

namespace VAI.Bench.Report;

/// <summary>What a report says of processes, starts, and machines that are shared.</summary>
internal static partial class ReportDocument
{
    private static void Programs(StringBuilder text, ReportFigures f)
    {
        text.Line("## A process of its own").Line()
            .Line("| | load, ms | start to first token, ms | first token, ms | decode, tok/s | memory of its own, MiB |").Line("|---|---|---|---|---|---|");
        foreach (ProgramFigures p in f.Programs)
            text.Line($"| {p.Name} | {Q(p.LoadMs)} | {Q(p.StartMs)} | {Q(p.FirstMs)} | {Q(p.TokensPerSecond)} | {T(p.PrivateBytes.Median / Mebibyte)} |");
        text.Line().Line($"{f.Size.Loads} processes of each, one by one and in turn, with '{f.Models[0].Name}', room for 2,048 tokens and the machine's threads. Load: from nothing to a")
            .Line("model that can be asked; VAI's comes from its ROM. Start: from the start of the process to its first token. The first tokens of later")
            .Line($"requests follow a prompt of 16 tokens, and {f.Size.Tokens} are decoded. Memory of its own is what is no file's (`Anonymous` of `smaps_rollup`), KV cache included.");
        if (f.Programs.Count > 1)
            text.Line("LLamaSharp is its package of natives, by a program that calls them as plainly as its API allows (benchmarks/VAI.Benchmarks.LLamaSharp).");
        text.Line().Line($"A daemon (`vai serve`, both models, ROMs burned) is ready, by `/health`, {Q(f.ColdStart.HealthMs)} ms after the start of its process, and")
            .Line($"the first token of a request over HTTP is there after {Q(f.ColdStart.FirstMs)} ms; {f.Size.Loads} starts.").Line();
    }

    private static void Busy(StringBuilder text, ReportFigures f)
    {
        text.Line("## Beside busy threads").Line();
        Ways(text, "busy threads", [.. f.Busy.Select(b => ($"{b.Beside}", b.TokensPerSecond, b.Ratio, b.FixedTps, b.PeerTps, (string?)null))]);
        text.Line($"Tokens a second of one stream of '{f.Models[0].Name}' beside threads that compute something else; {f.Size.Loads} windows of {T(f.Size.WindowMs / 1000)} s each, in turn. VAI takes as many")
            .Line($"compute threads as it finds cores for; fixed numbers are VAI's too. It has nine tenths of full speed {T(f.BackMs)} ms after the last of {f.Busy[^1].Beside} ends.");
        if (f.Busy[0].PeerTps.Count > 0)
            text.Line("The peers have the machine's number of threads; a server is asked for 8 tokens at a time, whose prompts and way do not count.");
        text.Line();
    }

    private static void TwoProcesses(StringBuilder text, ReportFigures f)
    {
        TwoProcessFigures t = f.TwoProcesses;
        text.Line("## Two processes on one ROM, and four").Line()
            .Line("| | tok/s in all |").Line("|---|---|")
            .Line($"| one process, one stream | {Q(t.OneTps)} |")
            .Line($"| one process, two streams, which share its steps | {Q(t.StreamsTps)} |")
            .Line($"| one process, two streams in turn: the model loaded twice | {Q(t.LanesTps)} |")
            .Line($"| two processes, a stream each | {Q(t.TotalTps)} |")
            .Line($"| four processes, a stream each | {Q(t.FourTps)} |").Line()
            .Line($"Two processes together give {Q(t.LanesRatio)} of two streams of one process in turn, {Q(t.TotalRatio)} of one stream alone, and {Q(t.StreamsRatio)} of two")
            .Line($"streams that share their steps, which those of two processes cannot; the smaller part of the total is {Q(t.LeastShare)}. Four give {Q(t.FourRatio)} of two streams in")
            .Line($"turn, and the smallest part is {Q(t.FourLeastShare)}. {f.Size.Loads} windows of {T(f.Size.WindowMs / 1000)} s each, in turn.").Line();
    }

    private static void Quotas(StringBuilder text, ReportFigures f)
    {
        text.Line("## In a control group with a quota").Line();
        Ways(text, "processors", [.. f.Quotas.Select(q => (T(q.Cores), q.TokensPerSecond, q.Ratio, q.FixedTps, q.PeerTps, q.Skipped))]);
        text.Line($"Tokens a second of one stream by processes that are started in a control group with so much processor time, 100 ms a period; {f.Size.Loads} windows of")
            .Line($"{T(f.Size.WindowMs / 1000)} s each, in turn.").Line();
    }

    private static void Resident(StringBuilder text, ReportFigures f)
    {
        text.Line("## Many models resident").Line()
            .Line("| models | memory of its own, MiB | of each more, MiB | select, ns | `vai status`, ms | idle, % of a processor |").Line("|---|---|---|---|---|---|");
        foreach (ResidentFigures r in f.Resident)
            text.Line($"| {r.Models} | {Mib(r.PrivateBytes)} | {(r.BytesOfAModel is { } bytes ? Mib(bytes) : "")} | {T(r.SelectNs)} | {T(r.StatusMs)} | {T(r.IdlePercent)} |");
        text.Line().Line("Models of the shape `tiny`, each from a ROM of its own, loaded with default options into one process, and asked once. Select: by handle, all in turn. `vai status`: the")
            .Line($"whole process; {f.Size.ThroughputRounds} times, in turn. Idle: over {T(f.Size.IdleMs / 1000)} s in which nobody asks.").Line();
    }

    // Each way in a column: VAI, fixed numbers of threads, peers.
    private static void Ways(
        StringBuilder text,
        string what,
        (string Row, double Own, double Ratio, IReadOnlyDictionary<string, double> Fixed, IReadOnlyDictionary<string, double> Peers, string? Skipped)[] rows)
    {
        string[] threads = [.. rows.SelectMany(r => r.Fixed.Keys).Distinct()], peers = [.. rows.SelectMany(r => r.Peers.Keys).Distinct()];
        text.Line($"| {what} | VAI | {string.Concat(threads.Select(n => $"{n} fixed | "))}VAI / best fixed |{string.Concat(peers.Select(p => $" {p} |"))}")
            .Line($"|---|---|{string.Concat(threads.Select(_ => "---|"))}---|{string.Concat(peers.Select(_ => "---|"))}");
        foreach ((string row, double own, double ratio, IReadOnlyDictionary<string, double> numbers, IReadOnlyDictionary<string, double> others, string? skipped) in rows)
        {
            text.Line(skipped is not null
                ? $"| {row} | skipped: {skipped} |"
                : $"| {row} | {T(own)} | {string.Concat(threads.Select(n => $"{T(numbers[n])} | "))}{R(ratio)} |{string.Concat(peers.Select(p => $" {T(others[p])} |"))}");
        }

        text.Line();
    }
}
