using System.Text.Json;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>
/// The configuration file of <c>vai serve</c>: a JSON object with the options' names in camelCase. <c>model</c> is an object of names,
/// each with a file, or with an object of <c>file</c>, <c>profile</c>, <c>ctx</c>, <c>sram</c>, <c>sessions</c>, <c>gpuLayers</c>, <c>device</c>, <c>chatTemplate</c>
/// and <c>sampling</c>.
/// Paths are relative to the file's directory. Comments and trailing commas are allowed; a key that is not known is an error.
/// </summary>
internal static class ServeFile
{
    private const int MaxBytes = 1 << 20;

    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/>, <see cref="VaiError.FileNotReadable"/>, or <see cref="VaiError.InvalidOption"/>, which names the key.
    /// </exception>
    public static ServeOptions Read(string path)
    {
        try
        {
            if (!File.Exists(path))
                throw new VaiUsageException(VaiError.FileNotFound, $"{path}: there is no such configuration file. Check the path.");
            if (new FileInfo(path).Length > MaxBytes)
                throw ServeOptions.Invalid(path, $"has more than {MaxBytes} bytes, which is no configuration.");
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 8 });
            return Rooted(Parse(path, document.RootElement), Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (JsonException e)
        {
            throw ServeOptions.Invalid(path, $"is not JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}). Mend it there.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"{path}: cannot be read ({e.Message}). Check its permissions.", e);
        }
    }

    private static ServeOptions Parse(string path, JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw ServeOptions.Invalid(path, "must be a JSON object.");
        var o = new ServeOptions();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty p in root.EnumerateObject())
        {
            string key = $"{path}: {p.Name}";
            if (!seen.Add(p.Name))
                throw ServeOptions.Invalid(key, "is there twice. Leave one out.");
            o = p.Name switch
            {
                "model" => o with { Models = Models(key, p.Value) },
                "modelsDir" => o with { ModelsDirectory = Text(key, p.Value) },
                "socket" => o with { Socket = Text(key, p.Value) },
                "http" => o with { Http = Text(key, p.Value) },
                "apiKeyFile" => o with { ApiKeyFile = Text(key, p.Value) },
                "profile" => o with { Profile = Profile(key, p.Value) },
                "romDir" => o with { RomDirectory = Text(key, p.Value) },
                "ctx" => o with { Context = Whole(key, p.Value) },
                "sram" => o with { Sram = Whole(key, p.Value) },
                "sessions" => o with { Sessions = Whole(key, p.Value) },
                "gpuLayers" => o with { GpuLayers = Layers(key, p.Value) },
                "device" => o with { Devices = GpuLayerCount.Names(key, Texts(key, p.Value)) },
                "vram" => o with { Vram = Size(key, p.Value) },
                "chatTemplate" => o with { ChatTemplate = Text(key, p.Value) },
                "threads" => o with { Threads = Whole(key, p.Value) },
                "fixedThreads" => o with { FixedThreads = Flag(key, p.Value) },
                "share" => o with { Share = Whole(key, p.Value) },
                "nice" => o with { Nice = Whole(key, p.Value) },
                "batchScheduling" => o with { BatchScheduling = Flag(key, p.Value) },
                "drain" => o with { Drain = Number(key, p.Value) },
                "strict" => o with { Strict = Flag(key, p.Value) },
                "sampling" => o with { Sampling = SamplingSection.Read(key, p.Value) },
                "patience" => o with { Patience = Number(key, p.Value) },
                "engineFailures" => o with { EngineFailures = Whole(key, p.Value) },
                _ => o with
                {
                    Access = o.Access.With(p.Name, key, p.Value) ?? throw ServeOptions.Invalid(
                        key,
                        "is no option. Known: model, modelsDir, socket, http, apiKeyFile, profile, romDir, ctx, sram, sessions, gpuLayers, device, vram, chatTemplate, threads, fixedThreads, share, "
                        + "nice, batchScheduling, drain, strict, sampling, patience, engineFailures, " + ServeAccess.Names + "."),
                },
            };
        }

        return o;
    }

    // The file stands somewhere; where the daemon was started is another matter.
    private static ServeOptions Rooted(ServeOptions o, string directory)
    {
        return o with
        {
            ModelsDirectory = Of(o.ModelsDirectory),
            Socket = Of(o.Socket),
            ApiKeyFile = Of(o.ApiKeyFile),
            RomDirectory = Of(o.RomDirectory),
            ChatTemplate = Template(o.ChatTemplate),
            Models =
            [
                .. o.Models.Select(m => m with
                {
                    File = m.File.Contains('/') || File.Exists(Of(m.File)) ? Of(m.File)! : m.File,
                    ChatTemplate = Template(m.ChatTemplate),
                }),
            ],
        };

        string? Template(string? fileOrName) => fileOrName is null ? null : TemplateText.Of(fileOrName, directory);
        string? Of(string? path) => path is null ? null : Path.GetFullPath(path, directory);
    }

    private static List<ServedModel> Models(string key, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw ServeOptions.Invalid(key, "must be an object of names and files, as {\"a\": \"/models/a.gguf\"}.");
        var models = new List<ServedModel>();
        foreach (JsonProperty p in value.EnumerateObject())
            models.Add(Model($"{key}.{p.Name}", p.Name, p.Value));
        return models;
    }

    private static ServedModel Model(string key, string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return new ServedModel(name, Text(key, value));
        if (value.ValueKind != JsonValueKind.Object)
            throw ServeOptions.Invalid(key, "must be a file, or an object with a file.");
        var model = new ServedModel(name, "");
        foreach (JsonProperty p in value.EnumerateObject())
        {
            string inner = $"{key}.{p.Name}";
            model = p.Name switch
            {
                "file" => model with { File = Text(inner, p.Value) },
                "profile" => model with { Profile = Profile(inner, p.Value) },
                "ctx" => model with { Context = Whole(inner, p.Value) },
                "sram" => model with { Sram = Whole(inner, p.Value) },
                "sessions" => model with { Sessions = Whole(inner, p.Value) },
                "gpuLayers" => model with { GpuLayers = Layers(inner, p.Value) },
                "device" => model with { Devices = GpuLayerCount.Names(inner, Texts(inner, p.Value)) },
                "chatTemplate" => model with { ChatTemplate = Text(inner, p.Value) },
                "sampling" => model with { Sampling = SamplingSection.Read(inner, p.Value) },
                _ => throw ServeOptions.Invalid(inner, "is no option of a model. Known: file, profile, ctx, sram, sessions, gpuLayers, device, chatTemplate, sampling."),
            };
        }

        return model.File.Length > 0 ? model : throw ServeOptions.Invalid(key, "has no file. Give a GGUF file, or the name of a ROM.");
    }

    internal static string Text(string key, JsonElement value) => value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
        ? text
        : throw ServeOptions.Invalid(key, $"is {Shown(value)}, but must be a text that is not empty.");

    internal static int Whole(string key, JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
        ? number
        : throw ServeOptions.Invalid(key, $"is {Shown(value)}, but must be a whole number.");

    private static GpuLayerCount Layers(string key, JsonElement value) =>
        GpuLayerCount.Parse(key, value.ValueKind == JsonValueKind.String ? Text(key, value) : Shown(value));

    private static long Size(string key, JsonElement value) => ByteSize.Parse(key, value.ValueKind == JsonValueKind.String ? Text(key, value) : Shown(value));

    internal static double Number(string key, JsonElement value) => value.ValueKind == JsonValueKind.Number
        ? value.GetDouble()
        : throw ServeOptions.Invalid(key, $"is {Shown(value)}, but must be a number.");

    internal static bool Flag(string key, JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? value.GetBoolean()
        : throw ServeOptions.Invalid(key, $"is {Shown(value)}, but must be true or false.");

    /// <summary>One, or an array of them.</summary>
    internal static IReadOnlyList<string> Texts(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(v => Text(key, v))] : [Text(key, value)];

    private static RomProfile Profile(string key, JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString() switch
        {
            "fast" => RomProfile.Fast,
            "exact" => RomProfile.Exact,
            _ => throw ServeOptions.Invalid(key, $"is {Shown(value)}, but must be \"fast\" or \"exact\"."),
        }
        : throw ServeOptions.Invalid(key, $"is {Shown(value)}, but must be \"fast\" or \"exact\".");

    internal static string Shown(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 40 ? text : text[..40] + "...";
    }
}
