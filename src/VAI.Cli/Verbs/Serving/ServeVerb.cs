using VAI.Daemon.Hosting;
using VAI.Daemon.Hosting.Configuration;
using VAI.Daemon.Hosting.Sockets;
using VAI.Daemon.Supervision.Engines;

namespace VAI.Cli.Verbs.Serving;

internal static class ServeVerb
{
    public const string Name = "serve";

    private static readonly Option<string[]> Model =
        Common.Value<string[]>("--model", "NAME=FILE", "A model to load at the start: its name, and a GGUF file or the name of a ROM. May be repeated.");

    private static readonly Option<string?> ModelsDirectory =
        Common.Value<string?>("--models-dir", "DIR", "A directory whose GGUF files can be loaded by their names.");

    private static readonly Option<string?> Socket = Common.Value<string?>(
        "--socket",
        "PATH",
        "The Unix socket; VAI_SOCKET, or vai/vai.sock in this user's runtime directory, if not given. In a directory of mode 750 it "
        + "is the directory's group's too.");

    private static readonly Option<string?> Http =
        Common.Value<string?>("--http", "ADDRESS:PORT", "An address to listen at over TCP too, as 127.0.0.1:8080. One that others can reach needs --api-key-file.");

    private static readonly Option<string?> ApiKeyFile =
        Common.Value<string?>("--api-key-file", "FILE", "The keys that TCP connections need, one a line: KEY, or ID ROLE KEY with role use or admin. Read again when it changes.");

    private static readonly Option<string?> Profile =
        Common.Value<string?>("--profile", "fast|exact", "fast, in the layout of this CPU's kernels, or exact: the same tokens whatever runs beside.");

    private static readonly Option<int?> Sram = new("--sram") { Description = "KV cells of each model's bank, in tokens.", HelpName = "N" };

    private static readonly Option<int?> Sessions = new("--sessions") { Description = "Most sessions of a model in SRAM at once.", HelpName = "N" };

    private static readonly Option<double?> Drain =
        Common.Value<double?>("--drain", "SECONDS", "Seconds that running requests have to end when the daemon is stopped; 30 if not given. A second signal ends them at once.");

    private static readonly Option<bool> Strict = new("--strict")
    {
        Description = "Refuse requests to the OpenAI API with fields that are not known, instead of ignoring and naming them.",
    };

    private static readonly Option<double?> Patience =
        Common.Value<double?>("--patience", "SECONDS", "Seconds that the engine process may have work and show nothing for it, beyond twice its longest step, before it is replaced; 5 if not given.");

    private static readonly Option<int?> EngineFailures =
        Common.Number<int?>("--engine-failures", "After so many engine processes of no use within ten minutes the daemon ends with an error; 20 if not given.");

    private static readonly Option<string?> Config =
        Common.Value<string?>("--config", "FILE", "A JSON file with the same options in camelCase; the command line wins. SIGHUP has it read again: models, sampling, strict and drain count at once.");

    public static Command Create()
    {
        Profile.AcceptOnlyFromAmong("fast", "exact");
        var command = new Command(Name, "Run the daemon: owner of the models, with VAI's and OpenAI's API.")
        {
            Model, ModelsDirectory, Socket, Http, ApiKeyFile, Profile, Common.RomDirectory, Common.Context, Sram, Sessions, Common.GpuLayers,
            Common.Device, Common.Vram, Common.ChatTemplate, Common.Threads, Common.FixedThreads, Common.Share, Common.Nice, Common.BatchScheduling, Drain, Strict, Patience, EngineFailures, Config,
        };
        ServeAccessLine.AddTo(command);
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        InlineTransport.CompleteInline();
        var options = new ServeOptions
        {
            Models = [.. (parsed.GetValue(Model) ?? []).Select(Parse)],
            ModelsDirectory = parsed.GetValue(ModelsDirectory),
            Socket = parsed.GetValue(Socket),
            Http = parsed.GetValue(Http),
            ApiKeyFile = parsed.GetValue(ApiKeyFile),
            Profile = parsed.GetValue(Profile) is { } profile ? Enum.Parse<RomProfile>(profile, ignoreCase: true) : null,
            RomDirectory = parsed.GetValue(Common.RomDirectory),
            Context = parsed.GetValue(Common.Context),
            Sram = parsed.GetValue(Sram),
            Sessions = parsed.GetValue(Sessions),
            GpuLayers = parsed.GetValue(Common.GpuLayers),
            Devices = GpuLayerCount.Names("--device", parsed.GetValue(Common.Device)),
            Vram = parsed.GetValue(Common.Vram),
            ChatTemplate = Common.Template(parsed),
            Threads = parsed.GetValue(Common.Threads),
            FixedThreads = parsed.GetValue(Common.FixedThreads) ? true : null,
            Share = parsed.GetValue(Common.Share),
            Nice = parsed.GetValue(Common.Nice),
            BatchScheduling = parsed.GetValue(Common.BatchScheduling) ? true : null,
            Drain = parsed.GetValue(Drain),
            Access = ServeAccessLine.Read(parsed),
            Strict = parsed.GetValue(Strict) ? true : null,
            Patience = parsed.GetValue(Patience),
            EngineFailures = parsed.GetValue(EngineFailures),
        };
        if (parsed.GetValue(Config) is { } file)
        {
            ServeOptions said = options;
            options = said.Over(ServeFile.Read(file)) with { Reread = () => said.Over(ServeFile.Read(file)) };
        }

        await DaemonHost.RunAsync(options, WorkerCommand.Self(), cancellation);
        return Failure.Ok;
    }

    private static ServedModel Parse(string text)
    {
        int equals = text.IndexOf('=');
        return equals > 0 && equals < text.Length - 1
            ? new ServedModel(text[..equals], text[(equals + 1)..])
            : throw new VaiUsageException(VaiError.InvalidOption, $"--model is '{text}', but must be a name and a file, as a=/models/a.gguf.");
    }
}
