using System.Text.Json.Serialization;

namespace VAI.Daemon.Supervision.Engines;

/// <summary>What an engine process is told on its command line, as JSON. Its models come later, by loads.</summary>
/// <param name="RomDirectory">As <see cref="VaiOptions.RomDirectory"/>.</param>
/// <param name="Threads">As <see cref="VaiOptions.Threads"/>.</param>
/// <param name="NativeDirectory">As <see cref="VaiOptions.NativeDirectory"/>.</param>
/// <param name="StashDirectory">As <see cref="VaiOptions.StashDirectory"/>.</param>
/// <param name="ProgressPage">Where it shows that it comes on; null for nowhere.</param>
/// <param name="FixedThreads">As <see cref="VaiOptions.FixedThreads"/>.</param>
/// <param name="Share">As <see cref="VaiOptions.Share"/>.</param>
/// <param name="Nice">As <see cref="VaiOptions.Nice"/>.</param>
/// <param name="BatchScheduling">As <see cref="VaiOptions.BatchScheduling"/>.</param>
/// <param name="VramLimit">As <see cref="VaiOptions.VramLimit"/>.</param>
internal sealed record WorkerConfig(
    string? RomDirectory = null, int? Threads = null, string? NativeDirectory = null, string? StashDirectory = null, string? ProgressPage = null,
    bool FixedThreads = false, int Share = 1, int Nice = 0, bool BatchScheduling = false, long? VramLimit = null);

[JsonSourceGenerationOptions(
    System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerConfig))]
internal sealed partial class WorkerJson : JsonSerializerContext;
