using Microsoft.Extensions.Logging;
using VAI.Bench;

namespace VAI.Cli.Verbs;

internal static class PlanVerb
{
    private static readonly Argument<string> Model = Common.File("MODEL", "A GGUF file, or the name of a ROM.");
    private static readonly Option<int?> Sram = new("--sram") { Description = "Tokens of the SRAM bank, --ctx or more.", HelpName = "N" };
    private static readonly Option<int?> Sessions = new("--sessions") { Description = "Most sessions in SRAM at once.", HelpName = "N" };
    private static readonly Option<KvType> KvTypes = Named<KvType>("--kv-type", "Type of the cached keys and values.", KvType.F16);
    private static readonly Option<FlashAttention> Attention =
        Named<FlashAttention>("--flash-attention", "Whether attention uses the fused kernel.", FlashAttention.Auto);

    private static readonly Option<string?> Socket = Daemon.Path("--socket", "The Unix socket of a daemon that is to answer, with its ROM directory and threads.");

    private static readonly Option<bool> Measure = new("--measure")
    {
        Description = "Load the model as well, burning it if need be, and show what llama.cpp then allocated.",
    };

    public static Command Create()
    {
        var command = new Command("plan", "Say what a model would take, from its header alone, and whether there is room for it.")
        {
            Model, Common.Context, Sram, Sessions, Common.LoadProfile, KvTypes, Attention, Common.GpuLayers, Common.Device, Common.Vram, Common.Threads, Measure, Common.RomDirectory,
            Socket,
        };
        command.Validators.Add(result =>
        {
            Option[] own = [Measure, Common.Threads, Common.Vram, Common.RomDirectory];
            if (result.GetResult(Socket) is { Implicit: false } && own.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } given)
                result.AddError($"{given.Name} is for a plan in this process, but --socket asks a daemon. Leave one of them out.");
        });
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using ILoggerFactory? log = Common.Log(parsed);
        VaiOptions engine = Common.RomOptions(parsed);
        engine.Threads = parsed.GetValue(Common.Threads);
        engine.VramLimit = parsed.GetValue(Common.Vram);
        await using IVai vai = parsed.GetValue(Socket) is { } socket ? Daemon.Connect(socket, log) : Vai.Create(engine, log);
        var options = new ModelOptions
        {
            Name = "plan",
            File = parsed.GetRequiredValue(Model),
            ContextLength = parsed.GetValue(Common.Context),
            SramTokens = parsed.GetValue(Sram),
            Profile = parsed.GetValue(Common.LoadProfile),
            KeyType = parsed.GetValue(KvTypes),
            ValueType = parsed.GetValue(KvTypes),
            FlashAttention = parsed.GetValue(Attention),
        };
        Common.Place(options, parsed);
        if (parsed.GetValue(Sessions) is { } sessions)
            options.MaxSessions = sessions;
        MemoryPlan plan = await vai.PlanAsync(options, cancellation);
        ModelMemory? measured = null;
        if (parsed.GetValue(Measure))
        {
            options.Name = BenchModel.FromFiles(options.File, options.File).First.Name;
            ModelHandle handle = await Bar.RunAsync("loading", async report => await vai.LoadAsync(
                options, new Report<LoadProgress>(p => report(p.Phase == LoadPhase.Burning ? "burning" : "loading", p.Fraction)), cancellation));
            measured = vai.Select(handle).Memory;
        }

        return Documents.Answer(parsed, Document(plan, measured), Documents.Default.PlanDocument, _ => Print(plan, measured));
    }

    private static void Print(MemoryPlan p, ModelMemory? measured)
    {
        string Row(string name, long planned, Func<ModelMemory, long> of) =>
            $"{name,-20}{Format.Bytes(planned),12}" + (measured is null ? "" : $"{Format.Bytes(of(measured)),12}");

        Console.Out.WriteLine($"{"",-20}{"planned",12}" + (measured is null ? "" : $"{"measured",12}"));
        Console.Out.WriteLine(Row("ROM", p.RomBytes, m => m.RomBytes)
            + $"  {(p.RomBytes == 0 ? "none: the file is mapped" : $"{(p.IsPacked ? "packed" : "plain")}, {(p.IsBurned ? "burned" : "not burned yet")}")}");
        foreach (DeviceMemory d in p.Devices)
        {
            DeviceMemory? Of(ModelMemory m) => m.Devices.FirstOrDefault(x => x.Device == d.Device);
            if (d.WeightBytes > 0)
                Console.Out.WriteLine(Row($"{d.Device} weights", d.WeightBytes, m => Of(m)?.WeightBytes ?? 0) + $"  {p.GpuLayers} layers");
            Console.Out.WriteLine(Row($"{d.Device} KV", d.KvBytes, m => Of(m)?.KvBytes ?? 0));
            Console.Out.WriteLine(Row($"{d.Device} scratch", d.ScratchBytes, m => Of(m)?.ScratchBytes ?? 0));
            if (d.StagingBytes > 0)
                Console.Out.WriteLine($"{"upload",-20}{Format.Bytes(d.StagingBytes),12}");
        }

        Console.Out.WriteLine(Row("outputs", p.OutputBytes, m => m.OutputBytes));
        Console.Out.WriteLine($"{"process",-20}{Format.Bytes(p.PrivateBytes),12}");
        if (p.BurnBytes > 0)
            Console.Out.WriteLine($"{"burn, at most",-20}{Format.Bytes(p.BurnBytes),12}");
        Format.Rows(
            ("geometry", $"context {p.ContextLength}, {p.SramTokens} tokens of SRAM in {p.Cells} cells, {p.Sessions} sessions, steps of {p.StepRows}"),
            ("ROM directory", p.RomDirectory is null ? null : $"{(p.RomFits ? "fits" : "DOES NOT FIT")}: {p.RomDirectory} has {Format.Bytes(p.RomFreeBytes)} free"),
            ("memory", $"{(p.MemoryFits ? "fits" : "DOES NOT FIT")}: needs {Format.Bytes(p.NeededBytes)} of {Format.Bytes(p.AvailableBytes)} available"
                + (p.LimitBytes is { } limit ? $", where {p.LimitSource} allows {Format.Bytes(limit)}" : "")));
        foreach (DeviceRoom room in p.Rooms)
        {
            long needed = p.Devices.Where(d => d.Device == room.Device).Sum(d => d.Bytes);
            Format.Rows((room.Device, $"{(needed <= room.FreeBytes ? "fits" : "DOES NOT FIT")}: needs {Format.Bytes(needed)} of {Format.Bytes(room.FreeBytes)} that models may have of {Format.Bytes(room.TotalBytes)}"));
        }
    }

    private static PlanDocument Document(MemoryPlan p, ModelMemory? m) => new(
        p.File, Format.Name(p.Profile), p.IsBurned, p.IsPacked, p.RomBytes, p.KvBytes, p.ScratchBytes, p.OutputBytes, Devices(p),
        p.ContextLength, p.SramTokens, p.Cells, p.Sessions, p.StepRows, p.RomDirectory, p.RomFreeBytes, p.RomFits, p.NeededBytes,
        p.AvailableBytes, p.MemoryFits, m is null ? null : new MeasuredBody(m.RomBytes, m.KvBytes, m.ScratchBytes, m.OutputBytes, Devices(m)),
        p.PrivateBytes, p.BurnBytes, p.LimitBytes, p.LimitSource, p.WeightBytes, p.GpuLayers, p.DevicesFit,
        [.. p.Rooms.Select(r => new PlanRoomBody(r.Device, r.FreeBytes, r.TotalBytes))]);

    private static PlanDeviceBody[] Devices(ModelMemory m) =>
        [.. m.Devices.Select(d => new PlanDeviceBody(d.Device, d.OnHost, d.KvBytes, d.ScratchBytes, d.WeightBytes, d.StagingBytes))];

    private static Option<T> Named<T>(string name, string description, T value)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(n => n.ToLowerInvariant())];
        return new Option<T>(name)
        {
            Description = description,
            HelpName = string.Join('|', names),
            DefaultValueFactory = _ => value,
            CustomParser = result =>
            {
                string given = result.Tokens[0].Value;
                if (!names.Contains(given, StringComparer.OrdinalIgnoreCase))
                    result.AddError($"{name} is '{given}', but must be {string.Join(" or ", names)}.");
                return Enum.TryParse(given, ignoreCase: true, out T parsed) ? parsed : default;
            },
        };
    }
}
