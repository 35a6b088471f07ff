using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting.Configuration;

namespace VAI.Cli;

/// <summary>Options that more than one verb takes, and the frame every verb runs in.</summary>
internal static class Common
{
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Print one JSON document on standard output and nothing else.",
        Recursive = true,
    };

    public static Option<bool> Verbose { get; } = new("--verbose")
    {
        Description = "Write VAI's and llama.cpp's log to standard error.",
        Recursive = true,
    };

    public static Option<GpuLayerCount?> GpuLayers { get; } = Parsed(
        "--gpu-layers", GpuLayerCount.Form, "Layers to put on GPUs: a number, all (or -1), or auto for as many as fit; none if not given, and no --device.",
        GpuLayerCount.Parse);

    public static Option<string[]> Device { get; } = new("--device")
    {
        Description = "What computes it, as `vai devices` names it: Vulkan0, cuda:1, several with commas between them, cpu, or gpu for every GPU. As many layers as fit, unless --gpu-layers says how many.",
        HelpName = "NAME",
    };

    public static Option<long?> Vram { get; } =
        Parsed("--vram", ByteSize.Form, "Most that models may take of each GPU's memory, as 8GiB; all of it if not given.", ByteSize.Parse);

    public static Option<int?> Threads { get; } =
        Number<int?>("--threads", "Compute threads; one per physical core if not given.");

    public static Option<bool> FixedThreads { get; } = new("--fixed-threads")
    {
        Description = "Use all of them for each step, also while others use the cores.",
    };

    public static Option<int?> Share { get; } =
        Number<int?>("--share", "How much of the compute time it gets against other processes of the same ROM directory: 1 to 100, 1 if not given.");

    public static Option<int?> Nice { get; } =
        Number<int?>("--nice", "How far compute threads stand back for everything else on the machine: 0 to 19, 0 if not given.");

    public static Option<bool> BatchScheduling { get; } = new("--batch-scheduling")
    {
        Description = "Schedule compute threads as work that nobody waits for.",
    };

    public static Option<int?> Context { get; } = Number<int?>("--ctx", "The longest session, in tokens.");

    /// <summary>The template that takes the place of the one that a model's file has.</summary>
    public static Option<string?> ChatTemplate { get; } =
        Value<string?>("--chat-template", "FILE|NAME", "A file with the chat template (Jinja) to use, or the name of another that the model's file has.");

    public static Option<string?> RomDirectory { get; } = Directory();

    /// <summary>How a ROM is burned.</summary>
    public static Option<RomProfile> RomProfile { get; } = Profile("fast, in the layout of this CPU's kernels, or exact, in that of the file.", "fast", "exact");

    /// <summary>How a model is loaded.</summary>
    public static Option<RomProfile> LoadProfile { get; } = Profile("fast or exact, from a ROM; none, from the file.", "fast", "exact", "none");

    public static VaiOptions RomOptions(ParseResult parsed) => new() { RomDirectory = parsed.GetValue(RomDirectory) };

    /// <summary>What <see cref="ChatTemplate"/> says.</summary>
    public static string? Template(ParseResult parsed) => parsed.GetValue(ChatTemplate) is { } template ? TemplateText.Of(template) : null;

    // An empty one, as of a variable that is not set, is not to mean the default.
    private static Option<string?> Directory()
    {
        var option = new Option<string?>("--rom-dir")
        {
            Description = "The ROM directory; VAI_ROM_DIR, or one of this user's in /dev/shm, if not given.",
            HelpName = "DIR",
            Recursive = true,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value.Length == 0))
                result.AddError("--rom-dir is empty. Give the path of a directory.");
        });
        return option;
    }

    private static Option<RomProfile> Profile(string description, params string[] values)
    {
        var option = new Option<RomProfile>("--profile")
        {
            Description = description,
            HelpName = string.Join('|', values),
            DefaultValueFactory = _ => VAI.RomProfile.Fast,
            CustomParser = result =>
            {
                // The help has a default as the enumeration writes it.
                string value = result.Tokens[0].Value;
                if (!values.Contains(value, StringComparer.OrdinalIgnoreCase))
                    result.AddError($"--profile is '{value}', but must be {string.Join(" or ", values)}.");
                return Enum.TryParse(value, ignoreCase: true, out RomProfile profile) ? profile : default;
            },
        };
        return option;
    }

    /// <summary>Where a model's layers go.</summary>
    public static void Place(ModelOptions model, ParseResult parsed) =>
        GpuLayerCount.Place(model, GpuLayerCount.Names("--device", parsed.GetValue(Device)), parsed.GetValue(GpuLayers));

    /// <summary>The same, of models that are not there yet.</summary>
    public static (IReadOnlyList<string>? Devices, int? GpuLayers) Placement(ParseResult parsed)
    {
        var model = new ModelOptions { Name = "", File = "" };
        Place(model, parsed);
        return (model.Devices, model.GpuLayers);
    }

    // What is wrong with a value is said as for any other option.
    private static Option<T?> Parsed<T>(string name, string value, string description, Func<string, string, T> parse)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = value,
            CustomParser = result =>
            {
                try
                {
                    return parse(name, result.Tokens[0].Value);
                }
                catch (VaiUsageException e)
                {
                    result.AddError(e.Message);
                    return null;
                }
            },
        };

    public static Option<T> Value<T>(string name, string value, string description) => new(name) { Description = description, HelpName = value };

    public static Option<T> Number<T>(string name, string description) => Value<T>(name, "N", description);

    public static Option<T> Number<T>(string name, string description, T value) =>
        new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => value };

    /// <summary>A file argument. An empty one is refused here, as no part of VAI takes it.</summary>
    public static Argument<string> File(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        argument.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value.Length == 0))
                result.AddError($"{name} is empty. Give the path of a file.");
        });
        return argument;
    }

    /// <summary>Sets what a verb does; its errors become a message and an exit code.</summary>
    public static void Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> body) =>
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                return await body(parsed, cancellation);
            }
            catch (Exception e)
            {
                return Failure.Report(e, parsed.GetValue(Json));
            }
        });

    public static ILoggerFactory? Log(ParseResult parsed) => parsed.GetValue(Verbose) ? new StderrLog() : null;
}
