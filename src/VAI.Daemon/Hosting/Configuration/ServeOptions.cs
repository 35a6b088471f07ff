using System.Globalization;
using System.Net;
using VAI.Daemon.Supervision;
using VAI.Native.Source;
using VAI.Remote;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>What <c>vai serve</c> is started with. Null stands for what was not said; the command line wins over the file.</summary>
internal sealed record ServeOptions
{
    /// <summary>Models by name, each with its file and whatever differs from the options below. They are loaded at the start.</summary>
    public IReadOnlyList<ServedModel> Models { get; init; } = [];

    /// <summary>A directory: its GGUF files can be loaded by their names, without the suffix.</summary>
    public string? ModelsDirectory { get; init; }

    /// <summary>The Unix socket; null for <see cref="DaemonSocket.DefaultPath"/>.</summary>
    public string? Socket { get; init; }

    /// <summary>ADDRESS:PORT to listen at over TCP; null for none, port 0 for any.</summary>
    public string? Http { get; init; }

    /// <summary>The keys that TCP connections need.</summary>
    public string? ApiKeyFile { get; init; }

    public RomProfile? Profile { get; init; }

    public string? RomDirectory { get; init; }

    /// <summary>As <see cref="ModelOptions.ContextLength"/>, of every model that does not say otherwise. So are the next two.</summary>
    public int? Context { get; init; }

    public int? Sram { get; init; }

    public int? Sessions { get; init; }

    public GpuLayerCount? GpuLayers { get; init; }

    /// <summary>As <see cref="ModelOptions.Devices"/>, of every model that does not say otherwise.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>As <see cref="VaiOptions.VramLimit"/>.</summary>
    public long? Vram { get; init; }

    /// <summary>As <see cref="ModelOptions.ChatTemplate"/>, of every model that does not say otherwise.</summary>
    public string? ChatTemplate { get; init; }

    public int? Threads { get; init; }

    /// <summary>As <see cref="VaiOptions.FixedThreads"/>; null for no.</summary>
    public bool? FixedThreads { get; init; }

    /// <summary>As <see cref="VaiOptions.Share"/>; null for 1.</summary>
    public int? Share { get; init; }

    /// <summary>As <see cref="VaiOptions.Nice"/>; null for 0.</summary>
    public int? Nice { get; init; }

    /// <summary>As <see cref="VaiOptions.BatchScheduling"/>; null for no.</summary>
    public bool? BatchScheduling { get; init; }

    /// <summary>Seconds that running requests have to end when the daemon is stopped, 0 to 86,400; null for 30.</summary>
    public double? Drain { get; init; }

    /// <summary>Who may do what, and how much of it.</summary>
    public ServeAccess Access { get; init; } = new();

    /// <summary>Whether requests with fields that are not known are refused; null for no.</summary>
    public bool? Strict { get; init; }

    /// <summary>How the OpenAI API samples where neither a request nor the model's own entry says so; null to leave it to the model's file.</summary>
    public SamplingDefaults? Sampling { get; init; }

    /// <summary>Reads these options again from where they came; null if they cannot change.</summary>
    public Func<ServeOptions>? Reread { get; init; }

    /// <summary>Seconds that an engine may have work and show nothing for it, beyond twice its longest step, 0.5 to 3,600; null for 5.</summary>
    public double? Patience { get; init; }

    /// <summary>After so many engines of no use within ten minutes the daemon ends with an error, 1 to 10,000; null for 20.</summary>
    public int? EngineFailures { get; init; }

    public static TimeSpan DefaultDrain { get; } = TimeSpan.FromSeconds(30);

    public TimeSpan DrainTime => Drain is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultDrain;

    public string SocketPath => Path.GetFullPath(string.IsNullOrEmpty(Socket) ? DaemonSocket.DefaultPath : Socket);

    /// <summary>These, with what they leave open taken from others.</summary>
    public ServeOptions Over(ServeOptions file) => new()
    {
        Models = [.. Models, .. file.Models.Where(m => Models.All(own => own.Name != m.Name))],
        ModelsDirectory = ModelsDirectory ?? file.ModelsDirectory,
        Socket = Socket ?? file.Socket,
        Http = Http ?? file.Http,
        ApiKeyFile = ApiKeyFile ?? file.ApiKeyFile,
        Profile = Profile ?? file.Profile,
        RomDirectory = RomDirectory ?? file.RomDirectory,
        Context = Context ?? file.Context,
        Sram = Sram ?? file.Sram,
        Sessions = Sessions ?? file.Sessions,
        GpuLayers = GpuLayers ?? file.GpuLayers,
        Devices = Devices ?? file.Devices,
        Vram = Vram ?? file.Vram,
        ChatTemplate = ChatTemplate ?? file.ChatTemplate,
        Threads = Threads ?? file.Threads,
        FixedThreads = FixedThreads ?? file.FixedThreads,
        Share = Share ?? file.Share,
        Nice = Nice ?? file.Nice,
        BatchScheduling = BatchScheduling ?? file.BatchScheduling,
        Drain = Drain ?? file.Drain,
        Access = Access.Over(file.Access),
        Strict = Strict ?? file.Strict,
        Sampling = Sampling ?? file.Sampling,
        Reread = Reread ?? file.Reread,
        Patience = Patience ?? file.Patience,
        EngineFailures = EngineFailures ?? file.EngineFailures,
    };

    /// <summary>What is said here of a model's sampling.</summary>
    public SamplingDefaults? SamplingOf(string model) => Models.FirstOrDefault(m => m.Name == model)?.Sampling?.Over(Sampling) ?? Sampling;

    /// <summary>Checks everything that can be known before anything is started.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: names the key, and says what to do.</exception>
    public void Validate()
    {
        Range("ctx", Context, 1, 1 << 26);
        Range("sram", Sram, 1, 1 << 26);
        Range("sessions", Sessions, 1, 256);
        Range("threads", Threads, 1, 512);
        Range("share", Share, 1, 100);
        Range("nice", Nice, 0, 19);
        Range("engineFailures", EngineFailures, 1, 10_000);
        if (Patience is < 0.5 or > 3600 or double.NaN)
            throw Invalid("patience", $"is {Patience}, but must be from 0.5 to 3600 seconds.");
        if (Drain is < 0 or > 86_400 or double.NaN)
            throw Invalid("drain", $"is {Drain}, but must be from 0 to 86400 seconds.");
        if (ModelsDirectory is not null && !Directory.Exists(ModelsDirectory))
            throw Invalid("modelsDir", $"is '{ModelsDirectory}', which is no directory. Make it, or leave the key out.");
        if (ApiKeyFile is not null && !File.Exists(ApiKeyFile))
            throw Invalid("apiKeyFile", $"is '{ApiKeyFile}', which is no file. Make it, with a key in each line, or leave the key out.");
        if (System.Text.Encoding.UTF8.GetByteCount(SocketPath) > 90)
            throw Invalid("socket", $"is '{SocketPath}', which is longer than the 90 bytes that a socket's path may have. Choose a shorter one.");
        foreach (ServedModel model in Models)
        {
            Range($"model.{model.Name}.ctx", model.Context, 1, 1 << 26);
            Range($"model.{model.Name}.sram", model.Sram, 1, 1 << 26);
            Range($"model.{model.Name}.sessions", model.Sessions, 1, 256);
            if (model.Name.Length is 0 or > 128)
                throw Invalid("model", $"has a name of {model.Name.Length} characters, but it must have 1 to 128.");
            if (string.IsNullOrEmpty(model.File))
                throw Invalid($"model.{model.Name}", "has no file. Give a GGUF file, or the name of a ROM.");
        }

        Access.Validate(ApiKeyFile);
        if (Models.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw Invalid("model", $"has two models called '{twice.Key}'. Give each a name of its own.");
        if (HttpEndPoint() is { } tcp && !IPAddress.IsLoopback(tcp.Address) && ApiKeyFile is null)
            throw Invalid("http", $"is {Http}, which others can reach. Give an apiKeyFile, or listen at 127.0.0.1 alone.");
    }

    /// <summary>How patient the supervisor is.</summary>
    public SupervisionOptions Supervision()
    {
        var options = new SupervisionOptions();
        return options with
        {
            Patience = Patience is { } seconds ? TimeSpan.FromSeconds(seconds) : options.Patience,
            Failures = EngineFailures ?? options.Failures,
        };
    }

    /// <summary>Where to listen over TCP.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is no address and port.</exception>
    public IPEndPoint? HttpEndPoint()
    {
        if (Http is null)
            return null;
        string text = Http.StartsWith("localhost:", StringComparison.OrdinalIgnoreCase) ? $"127.0.0.1{Http["localhost".Length..]}" : Http;
        int colon = text.LastIndexOf(':');
        return colon > 0
            && IPAddress.TryParse(text[..colon], out IPAddress? address)
            && ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            ? new IPEndPoint(address, port)
            : throw Invalid("http", $"is '{Http}', but must be an address and a port, as 127.0.0.1:8080 or [::1]:8080.");
    }

    /// <summary>What can be loaded by name: the models that were named, and the files of the directory.</summary>
    public ConfiguredModels Configured()
    {
        List<ModelOptions> all = [.. Models.Select(Options)];
        if (ModelsDirectory is not null)
        {
            all.AddRange(Directory.EnumerateFiles(ModelsDirectory, "*.gguf").Where(SplitName.IsFirst).Order(StringComparer.Ordinal)
                .Select(f => new ServedModel(SplitName.StemOf(f), f))
                .Where(m => m.Name.Length is > 0 and <= 128 && all.All(a => a.Name != m.Name)).Select(Options).ToArray());
        }

        return new ConfiguredModels(all, [.. Models.Select(m => m.Name)]);
    }

    private ModelOptions Options(ServedModel model)
    {
        var options = new ModelOptions
        {
            Name = model.Name,
            File = model.File.Contains('/') || File.Exists(model.File) ? Path.GetFullPath(model.File) : model.File,
            Profile = model.Profile ?? Profile ?? RomProfile.Fast,
            ContextLength = model.Context ?? Context,
            SramTokens = model.Sram ?? Sram,
            ChatTemplate = model.ChatTemplate ?? ChatTemplate,
            Devices = model.Devices,
        };
        options.MaxSessions = model.Sessions ?? Sessions ?? options.MaxSessions;

        // What goes for all models says nothing of one that is to be on the CPU.
        GpuLayerCount.Place(options, model.Devices ?? Devices, model.GpuLayers ?? (options.NamesCpu ? null : GpuLayers));
        return options;
    }

    private static void Range(string key, int? value, int least, int most)
    {
        if (value < least || value > most)
            throw Invalid(key, $"is {value}, but must be from {least} to {most}.");
    }

    internal static VaiUsageException Invalid(string key, string what) => new(VaiError.InvalidOption, $"{key} {what}");
}

/// <summary>A model of the daemon's; null stands for the daemon's own option.</summary>
internal sealed record ServedModel(
    string Name, string File, RomProfile? Profile = null, int? Context = null, int? Sram = null, int? Sessions = null,
    GpuLayerCount? GpuLayers = null, SamplingDefaults? Sampling = null, string? ChatTemplate = null, IReadOnlyList<string>? Devices = null);
