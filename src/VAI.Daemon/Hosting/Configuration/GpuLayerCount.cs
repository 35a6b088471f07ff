using System.Globalization;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>How many layers go to GPUs, as <c>--gpu-layers</c> and <c>gpuLayers</c> say it.</summary>
/// <param name="Layers">As <see cref="ModelOptions.GpuLayers"/>; null for as many as fit.</param>
internal readonly record struct GpuLayerCount(int? Layers)
{
    private const string Auto = "auto";
    private const string All = "all";

    /// <summary>What may be written.</summary>
    public const string Form = "N|all|auto";

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is no count.</exception>
    public static GpuLayerCount Parse(string key, string text) => text.ToLowerInvariant() switch
    {
        Auto => new(null),
        All => new(-1),
        _ when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int layers) && layers >= -1 => new(layers),
        _ => throw ServeOptions.Invalid(key, $"is {Native.Excerpt.Of(text, 40)}, but must be a number of layers, -1 or all for all of them, or auto for as many as fit."),
    };

    /// <summary>Where a model goes.</summary>
    /// <param name="model">The model; its devices and layers are set.</param>
    /// <param name="devices">Names of devices; null where none were given.</param>
    /// <param name="layers">How many layers; null where it was not said.</param>
    public static void Place(ModelOptions model, IReadOnlyList<string>? devices, GpuLayerCount? layers)
    {
        model.Devices = devices ?? (layers is { Layers: null } ? ["gpu"] : null);
        model.GpuLayers = layers?.Layers ?? (model.Devices is null ? 0 : null);
    }

    /// <summary>Names, with commas between them.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: one is empty.</exception>
    public static string[]? Names(string key, IReadOnlyCollection<string>? texts)
    {
        string[] names = [.. (texts ?? []).SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries))];
        if (names.Contains(""))
            throw ServeOptions.Invalid(key, "has an empty name in it. Give the names that `vai devices` lists, with commas between them.");
        return names.Length > 0 ? names : null;
    }
}
