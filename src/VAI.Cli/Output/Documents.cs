using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using VAI.Bench.Report;

namespace VAI.Cli.Output;

/// <summary>The JSON documents; field names are the records' in snake case. Only add fields: scripts read them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, IndentSize = 2)]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(InspectDocument))]
[JsonSerializable(typeof(ForgeDocument))]
[JsonSerializable(typeof(ReciterDocument))]
[JsonSerializable(typeof(ShapesDocument))]
[JsonSerializable(typeof(RunDocument))]
[JsonSerializable(typeof(SwitchDocument))]
[JsonSerializable(typeof(AttachDocument))]
[JsonSerializable(typeof(PipelineDocument))]
[JsonSerializable(typeof(BenchDaemonDocument))]
[JsonSerializable(typeof(BenchBusyDocument))]
[JsonSerializable(typeof(ReportFigures))]
[JsonSerializable(typeof(BurnDocument))]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(VerifyDocument))]
[JsonSerializable(typeof(EvictDocument))]
[JsonSerializable(typeof(DoctorDocument))]
[JsonSerializable(typeof(PlanDocument))]
[JsonSerializable(typeof(DevicesDocument))]
[JsonSerializable(typeof(PsDocument))]
[JsonSerializable(typeof(LoadDocument))]
[JsonSerializable(typeof(UnloadDocument))]
[JsonSerializable(typeof(ChatDocument))]
[JsonSerializable(typeof(TemplateDocument))]
[JsonSerializable(typeof(TemplateCheckDocument))]
internal sealed partial class Documents : JsonSerializerContext
{
    public static void Print<T>(T document, JsonTypeInfo<T> type) =>
        Console.Out.WriteLine(JsonSerializer.Serialize(document, type));

    /// <summary>What a verb has found out: as a document if asked for, otherwise for people.</summary>
    public static int Answer<T>(ParseResult parsed, T document, JsonTypeInfo<T> type, Action<T> print)
    {
        if (parsed.GetValue(Common.Json))
            Print(document, type);
        else
            print(document);
        return Failure.Ok;
    }
}

/// <summary><c>vai template</c>.</summary>
internal sealed record TemplateDocument(string Prompt, bool Own, IReadOnlyList<TemplateSegmentBody> Segments, IReadOnlyList<TemplateTokenBody>? Tokens, ChatTemplateTraits Traits);

internal sealed record TemplateTokenBody(int Id, string Text);

internal sealed record TemplateSegmentBody(string From, string Text);

/// <summary><c>vai template check</c>.</summary>
internal sealed record TemplateCheckDocument(bool Own, ChatTemplateTraits Traits, IReadOnlyList<string> Warnings);

internal sealed record ErrorBody(string Code, string Message);

internal sealed record ErrorDocument(ErrorBody Error);

internal sealed record WeightTypeBody(string Name, int Tensors, long Bytes);

internal sealed record InspectDocument(
    string File,
    string? Title,
    string Architecture,
    int Layers,
    int Embedding,
    int Heads,
    int KvHeads,
    int Vocabulary,
    string? Tokenizer,
    int Context,
    int Tensors,
    long Bytes,
    long Parameters,
    IReadOnlyList<WeightTypeBody> WeightTypes);

internal sealed record ForgeDocument(
    string File, string Shape, string Type, ulong Seed, long Bytes, long Parameters, int Tensors, int Vocabulary, double TotalMs);

internal sealed record ReciterDocument(string File, ulong Seed, long Bytes, int Vocabulary, IReadOnlyList<int> ScriptTokens);

internal sealed record ShapeBody(
    string Name, IReadOnlyList<string> Aliases, string Architecture, string Type, int Vocabulary, long Bytes, string Description);

internal sealed record ShapesDocument(IReadOnlyList<ShapeBody> Shapes);

internal sealed record RunDocument(
    string Text,
    string? Reasoning,
    int Tokens,
    int PromptTokens,
    double FirstMs,
    double TotalMs,
    double TokensPerSecond,
    string Finish,
    string Model,
    double LoadMs,
    uint Seed,
    string SwitchClass);

internal sealed record SwitchModelBody(
    string Name, double LoadMs, double StayFirstMs, double SwitchedFirstMs, double TokensPerSecond);

internal sealed record SwitchDocument(
    IReadOnlyList<SwitchModelBody> Models,
    double SelectNs,
    double SwitchOverheadMs,
    double SwitchOverheadIqrMs,
    double SwitchRatio,
    double TraditionalSwitchMs);

internal sealed record BurnDocument(
    string Name,
    string Id,
    string Digest,
    string Profile,
    bool Packed,
    string Note,
    long Bytes,
    bool Burned,
    double BurnMs,
    string Directory);

internal sealed record RomBody(
    string Name,
    string Id,
    string Digest,
    string State,
    string Profile,
    bool Packed,
    string Note,
    long Bytes,
    double Burned,
    string Architecture,
    int Vocabulary,
    int Layers,
    int Embedding,
    int Context,
    double BurnMs,
    string BurnedAt,
    double LoadMs,
    bool Gpu,
    int Attached,
    int Sessions,
    long TokensServed,
    int OwnerPid,
    bool OwnerAlive,
    IReadOnlyList<string> OtherNames,
    IReadOnlyList<int> Holders,
    double? HugePages,
    IReadOnlyList<DeviceHolderBody> OnDevices);

/// <summary>A process that has a model on devices.</summary>
internal sealed record DeviceHolderBody(int Pid, IReadOnlyList<string> Devices);

internal sealed record StatusDocument(
    string Directory, int OwnerPid, bool OwnerAlive, long RomBytes, long TotalBytes, long FreeBytes, IReadOnlyList<RomBody> Roms);

internal sealed record VerifyDocument(string Name, string Id, string Digest, long Bytes, bool Ok);

internal sealed record EvictDocument(string Name, long FreedBytes, string? KeptFor);

internal sealed record AttachDocument(
    double LoadMs,
    double AttachMs,
    double Ratio,
    double PrefillRatio,
    double DecodeRatio,
    long PrivateBytes,
    long LoadPrivateBytes,
    long RomBytes,
    long FileBytes,
    bool Packed,
    bool TokensIdentical,
    double SramMs,
    int SramTokens,
    double PrefillTps,
    double DecodeTps);

internal sealed record PlanDeviceBody(string Device, bool Host, long KvBytes, long ScratchBytes, long WeightBytes, long StagingBytes);

internal sealed record PlanRoomBody(string Device, long FreeBytes, long TotalBytes);

internal sealed record MeasuredBody(
    long RomBytes, long KvBytes, long ScratchBytes, long OutputBytes, IReadOnlyList<PlanDeviceBody> Devices);

internal sealed record PlanDocument(
    string File,
    string Profile,
    bool Burned,
    bool Packed,
    long RomBytes,
    long KvBytes,
    long ScratchBytes,
    long OutputBytes,
    IReadOnlyList<PlanDeviceBody> Devices,
    int Context,
    int SramTokens,
    int Cells,
    int Sessions,
    int StepRows,
    string? RomDirectory,
    long RomFree,
    bool RomFits,
    long NeededMemory,
    long AvailableMemory,
    bool MemoryFits,
    MeasuredBody? Measured,
    long PrivateBytes,
    long BurnBytes,
    long? MemoryLimit,
    string? MemoryLimitSource,
    long WeightBytes,
    int GpuLayers,
    bool DevicesFit,
    IReadOnlyList<PlanRoomBody> Rooms);

internal sealed record DevicesDocument(IReadOnlyList<ComputeDeviceBody> Devices);

internal sealed record ComputeDeviceBody(
    string Name, string Backend, string Kind, string Description, long FreeMemory, long TotalMemory, long ModelMemory);

internal sealed record ProbedBody(string Source, string Path, string Outcome);

internal sealed record DeviceBody(string Name, string Description, bool Cpu, long FreeMemory, long TotalMemory);

internal sealed record DoctorDocument(
    bool Ready,
    ErrorBody? Error,
    IReadOnlyList<ProbedBody> Probed,
    string? LibraryFile,
    string? LibraryVersion,
    string? Abi,
    string? CpuFeatures,
    string? CpuKernels,
    IReadOnlyList<DeviceBody> Devices,
    int PhysicalCores,
    long TotalMemory,
    long AvailableMemory,
    long SharedMemory,
    long SharedMemoryFree,
    string? Fix,
    long? MemoryLimit,
    string? MemoryLimitSource,
    bool HugePages,
    string? LibrarySource,
    string? LibraryCost);

internal sealed record BenchBusyDocument(IReadOnlyList<BenchBusyRow> Rows, double BackMs);

internal sealed record BenchBusyRow(int Beside, double Tps, double Ratio, IReadOnlyDictionary<string, double> FixedTps);

internal sealed record BenchDaemonDocument(
    double LocalFirstMs, double SocketFirstMs, double OverheadMs, double OverheadIqrMs, long? ConnectionBytes);
