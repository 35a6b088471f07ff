using System.Diagnostics;
using System.Globalization;
using VAI.Bench;
using VAI.Benchmarks.LLamaSharp;

const string Usage = """
    usage: VAI.Benchmarks.LLamaSharp MODEL.gguf THREADS TOKENS [--beside N...] [--stay]
    Loads the model, answers, and prints one JSON line: load_ms, first_at (a timestamp), first_ms, tokens_per_second, private_bytes.
    --beside: a line more for each number of threads that are kept busy meanwhile. --stay: then reads lines `decode SETTLING_MS WINDOW_MS 1`
    and answers each with tokens_per_second, until the input ends.
    """;
if (args.Length < 3 || !int.TryParse(args[1], out int threads) || threads < 1 || !int.TryParse(args[2], out int tokens) || tokens < 2 || !File.Exists(args[0]))
{
    Console.Error.WriteLine(Usage);
    return 2;
}

long start = Stopwatch.GetTimestamp();
using var engine = new Engine(args[0], threads);
TimeSpan load = Stopwatch.GetElapsedTime(start);
long firstAt = engine.Answer(1).FirstAt;

// Until the code is compiled and the weights are touched; then medians.
for (long warm = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(warm) < TimeSpan.FromSeconds(0.6);)
    engine.Answer(tokens);
Answer[] answers = [.. Enumerable.Range(0, 5).Select(_ => engine.Answer(tokens))];
Say($"{{\"load_ms\": {load.TotalMilliseconds:F3}, \"first_at\": {firstAt}, \"first_ms\": {Median(answers.Select(a => a.FirstMs)):F3}, \"tokens_per_second\": {Median(answers.Select(a => a.TokensPerSecond)):F3}, \"private_bytes\": {PrivateBytes()}}}");

foreach (string beside in args.Skip(3).SkipWhile(a => a != "--beside").Skip(1).TakeWhile(a => a != "--stay"))
{
    using var busy = new BusyThreads(int.Parse(beside, CultureInfo.InvariantCulture));
    Say($"{{\"beside\": {beside}, \"tokens_per_second\": {engine.Decode(TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(1.5)):F3}}}");
}

while (args.Contains("--stay") && Console.In.ReadLine() is { } line)
{
    if (line.Split(' ') is not ["decode", var settling, var window, "1"])
    {
        Console.Error.WriteLine($"'{line}' is not understood. Write decode SETTLING_MS WINDOW_MS 1.");
        return 2;
    }

    Say($"{{\"tokens_per_second\": {engine.Decode(Time(settling), Time(window)):F3}}}");
}

return 0;

static TimeSpan Time(string text) => TimeSpan.FromMilliseconds(double.Parse(text, CultureInfo.InvariantCulture));

static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

static void Say(FormattableString line)
{
    Console.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    Console.Out.Flush();
}

// Memory that is no file's (proc_pid_smaps(5)), as VAI is measured.
static long PrivateBytes() => File.ReadLines("/proc/self/smaps_rollup")
    .Where(l => l.StartsWith("Anonymous:", StringComparison.Ordinal))
    .Sum(l => long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024);
