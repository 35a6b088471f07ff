using System.Globalization;
using System.Text;

namespace VAI.Bench.Report;

/// <summary>The report as Markdown.</summary>
internal static partial class ReportDocument
{
    // VAI by a call and over HTTP.
    private const int Ours = 2;

    private const double Mebibyte = 1024 * 1024;

    public static string Write(ReportFigures f)
    {
        var text = new StringBuilder();
        Head(text, f);
        Firsts(text, f);
        Attach(text, f);
        Throughput(text, f);
        Memory(text, f);
        Rest(text, f);
        Programs(text, f);
        Busy(text, f);
        TwoProcesses(text, f);
        Quotas(text, f);
        Resident(text, f);
        Machine(text, f);
        return text.ToString();
    }

    private static void Head(StringBuilder text, ReportFigures f)
    {
        SideFigures vai = f.Sides[0];
        text.Line("# VAI: two models in one process").Line()
            .Line("Made by `vai bench report`. Values are medians; in brackets are the quartiles, between which the middle half lies. Bars in plots")
            .Line("begin at zero, and the black line on one goes from quartile to quartile.").Line()
            .Line($"- A switch adds {Q(vai.SwitchAddsMs)} ms to a first token of {T(vai.StayMs.Median)} ms "
                + $"(switched over staying: {R(vai.SwitchRatio)}); freeing one model and loading the other makes it {T(f.FreeAndLoadMs.Median)} ms.")
            .Line($"- Attaching a ROM is {string.Join(" and ", f.Attach.Select(a => T(a.Ratio)))} times as fast as llama.cpp's own load.")
            .Line($"- Both models at once give {R(vai.TogetherRatio)} of the tokens per second of one after the other.")
            .Line($"- {f.Size.Processes} processes on one ROM take {Mib(All(f.Memory.Attached))} MiB together, "
                + $"against {Mib(All(f.Memory.Loaded))} MiB when each loads for itself.").Line();
    }

    private static void Firsts(StringBuilder text, ReportFigures f)
    {
        text.Line("## First token, staying and switched").Line().Plot(ReportPlots.First, "first token")
            .Line("| | staying, ms | switched, ms | a switch adds, ms | switched / staying |").Line("|---|---|---|---|---|");
        foreach (SideFigures s in f.Sides)
            text.Line($"| {s.Name} | {Q(s.StayMs)} | {Q(s.SwitchedMs)} | {Q(s.SwitchAddsMs)} | {Q(s.SwitchRatio)} |");
        text.Line($"| free one model, load the other | | {Q(f.FreeAndLoadMs)} | | |").Line()
            .Line($"{f.Size.Rounds} rounds of four requests: each model once after itself and once after the other, every other round in reverse. Choosing a")
            .Line($"model ({Code("IVai.Select")}) takes {T(f.SelectNs)} ns.");
        text.Line($"{string.Join(" and ", f.Sides.Skip(1).Select(s => s.Name))} answered in turn, round by round, with prompts as long. VAI over HTTP is {Code("vai serve")} on a Unix socket. Over HTTP")
            .Line("times hold a request's way too, and the ratio is the closer to 1 for it; what a switch adds holds none.");

        text.Line();
    }

    private static void Attach(StringBuilder text, ReportFigures f)
    {
        text.Line("## Attach against load").Line().Plot(ReportPlots.Attach, "attach against load")
            .Line("| model | llama.cpp's load, ms | attach, ms | load / attach | prefill from the ROM / from the load | decode | tokens |")
            .Line("|---|---|---|---|---|---|---|");
        foreach (AttachFigures a in f.Attach)
            text.Line($"| {a.Model} | {Q(a.LoadMs)} | {Q(a.AttachMs)} | {T(a.Ratio)} | {R(a.PrefillRatio)} | {R(a.DecodeRatio)} | {(a.TokensIdentical ? "identical" : "DIFFERENT")} |");
        text.Line().Line($"{f.Size.Loads} loads of each, in turn. The load is llama.cpp's default, which packs the weights for this CPU; the ROM holds them packed.").Line();
    }

    private static void Throughput(StringBuilder text, ReportFigures f)
    {
        text.Line("## Total tokens per second, alone and together").Line().Plot(ReportPlots.Throughput, "tokens per second")
            .Line("| | one after the other, tok/s | both at once, tok/s | at once / in turn |").Line("|---|---|---|---|");
        foreach (SideFigures s in f.Sides)
            text.Line($"| {s.Name} | {Q(s.AloneTps)} | {Q(s.TogetherTps)} | {Q(s.TogetherRatio)} |");
        text.Line().Line($"{f.Size.ThroughputRounds} rounds; one session of each model generates {f.Size.Tokens} tokens after a prompt of 32. Prompts count.")
            .Line("VAI was asked by a call in each round, and the others in every second one, but no more once two had taken them 20 s.").Line();
    }

    private static void Memory(StringBuilder text, ReportFigures f)
    {
        text.Line("## Resident bytes per process").Line().Plot(ReportPlots.Memory, "memory")
            .Line("| process | private, MiB | shared, MiB | its part of all (PSS), MiB |").Line("|---|---|---|---|");
        foreach (ProcessMemory m in f.Memory.Attached.Concat(f.Memory.Loaded).Concat(f.Memory.Peer))
            text.Line($"| {m.Name} | {Mib(m.PrivateBytes)} | {Mib(m.SharedBytes)} | {Mib(m.ProportionalBytes)} |");
        text.Line($"| **all on one ROM** | | | **{Mib(All(f.Memory.Attached))}** |")
            .Line($"| **all with a load of their own** | | | **{Mib(All(f.Memory.Loaded))}** |");
        if (f.Memory.Peer.Count > 0)
            text.Line($"| **the peer, both models** | | | **{Mib(All(f.Memory.Peer))}** |");
        text.Line().Line($"{f.Size.Processes} processes of {Code("vai")} that hold '{f.Models[0].Name}' at once and have answered once, from {Code("smaps_rollup")}. Each has a runtime, a KV")
            .Line("cache and scratch memory of its own besides the weights.");
        if (f.Memory.Peer.Count > 0)
            text.Line("The peer's are the process that listens and those that it started, with both models loaded and the KV cache it was given.");
        text.Line();
    }

    private static void Rest(StringBuilder text, ReportFigures f)
    {
        PipelineFigures p = f.Pipeline;
        text.Line($"## The pipeline on '{f.Models[0].Name}'").Line()
            .Line("| | |").Line("|---|---|")
            .Line($"| one session / a bare loop over llama.cpp | {R(p.SingleRatio)} ({T(p.SingleTps)} tok/s) |")
            .Line($"| {p.BatchSessions} sessions at once / one | {T(p.BatchRatio)} ({T(p.BatchTps)} tok/s) |")
            .Line($"| first token while the other model generates | {T(p.BusyFirstMs)} ms |")
            .Line($"| a prompt of {p.PrefixTokens} tokens of which {p.PrefixReusedTokens} are known / all new | {R(p.PrefixRatio)} of the time to the first token |")
            .Line($"| fork of a session that long | {T(p.ForkUs)} µs |")
            .Line($"| parking it | {T(p.ParkMs)} ms |").Line();
    }

    private static void Machine(StringBuilder text, ReportFigures f)
    {
        Machine m = f.Machine;
        text.Line("## The machine").Line()
            .Line("| | |").Line("|---|---|")
            .Line($"| processor | {m.Cpu}, {m.Cores} logical and {m.PhysicalCores} physical cores; kernels: {m.CpuKernels} |")
            .Line($"| memory | {(m.MemoryBytes / Mebibyte / 1024).ToString("F1", CultureInfo.InvariantCulture)} GiB |")
            .Line($"| system | {m.Kernel} |")
            .Line($"| llama.cpp of VAI | {m.Llama} |")
            .Line($"| runtime | {m.DotNet} |")
            .Line($"| vai | {m.Vai} |");
        if (f.Sides.Count > Ours)
            text.Line($"| peer | {f.Sides[Ours].Name} |");
        if (f.Programs.Count > 1)
            text.Line($"| peer | {f.Programs[1].Name} |");
        foreach (ReportModel model in f.Models)
            text.Line($"| model | {model.Name}, a file of {Mib(model.FileBytes)} MiB |");
        text.Line($"| made | {m.Date}, in {T(f.Seconds)} s |").Line()
            .Line("Absolute values move from machine to machine and from hour to hour; compare ratios.");
    }

    private static StringBuilder Line(this StringBuilder text, string line = "") => text.Append(line).Append('\n');

    private static StringBuilder Plot(this StringBuilder text, string name, string label) => text.Line($"![{label}]({name}.png)").Line();

    private static string Code(string text) => $"`{text}`";

    private static string T(double value) => ReportPlots.Text(value);

    private static string R(double ratio) => ratio.ToString("F3", CultureInfo.InvariantCulture);

    private static string R(Figure ratio) => R(ratio.Median);

    private static string Q(Figure f) => $"{T(f.Median)} ({T(f.LowerQuartile)} to {T(f.UpperQuartile)})";

    private static string Mib(long bytes) => ReportPlots.Text(bytes / Mebibyte);

    private static long All(IReadOnlyList<ProcessMemory> processes) => processes.Sum(p => p.ProportionalBytes);
}
