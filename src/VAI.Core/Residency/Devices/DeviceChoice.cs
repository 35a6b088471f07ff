using VAI.Native.Abi;
using VAI.Native.Llama;
using VAI.OptionRules;

namespace VAI.Residency.Devices;

/// <summary>From the names in a model's options to devices.</summary>
/// <param name="Settings">Where the weights go; with <paramref name="Fit"/> all layers, as far as they fit.</param>
/// <param name="Fit">Whether as many layers go to the GPUs as fit there.</param>
internal readonly record struct DeviceChoice(LlamaModelSettings Settings, bool Fit)
{
    private const string Cpu = "cpu";
    private const string Gpu = "gpu";

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: there is no such device, or they do not go together.</exception>
    public static DeviceChoice Of(ModelOptions o)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        NativeDevice[] devices = o.Devices is { Count: > 0 } ? Named(o, library) : o.WantsGpu ? All(library) : [];
        if (o.NamesCpu && (o.GpuLayers ?? 0) != 0)
            throw OptionCheck.Invalid($"'{o.Name}' is to be computed by the CPU, but {o.GpuLayers} of its layers by a GPU. Leave {nameof(o.GpuLayers)} out, or name a GPU.");
        int layers = o.GpuLayers ?? (devices.Length > 0 ? -1 : 0);
        var settings = new LlamaModelSettings { Devices = devices, GpuLayers = layers, MainGpu = o.MainGpu, TensorSplit = o.TensorSplit };
        settings.Check(library);
        return new DeviceChoice(settings.UsesGpu ? settings : settings.OnCpu(), o.GpuLayers is null && devices.Length > 0);
    }

    /// <summary>Options with what has become of their devices: a model that is on the CPU alone has no layers of a GPU.</summary>
    public static ModelOptions Resolve(ModelOptions o, LlamaModelSettings settings) => o with
    {
        Devices = settings.UsesGpu ? [.. settings.Devices.Select(d => d.Name)] : [Cpu],
        GpuLayers = settings.UsesGpu ? settings.GpuLayers : 0,
        MainGpu = settings.MainGpu,
        TensorSplit = settings.TensorSplit,
    };

    // A GPU that shares the machine's memory is one where there is no other, as for llama.cpp.
    private static NativeDevice[] All(LoadedLlama library)
    {
        NativeDevice[] gpus = [.. library.Gpus], discrete = [.. gpus.Where(d => d.Kind == NativeDeviceKind.Gpu)];
        return discrete.Length > 0 ? discrete : gpus;
    }

    private static NativeDevice[] Named(ModelOptions o, LoadedLlama library)
    {
        var devices = new List<NativeDevice>();
        foreach (string name in o.Devices!)
        {
            if (Is(name, Cpu))
            {
                if (o.Devices!.Count > 1)
                    throw OptionCheck.Invalid($"'{o.Name}' names {Cpu} among other devices. Name it alone, or leave it out: it computes what is not on a GPU.");
                return [];
            }

            // Every one that there is may be none: what is to fit there does not.
            if (Is(name, Gpu))
            {
                devices.AddRange(All(library));
                continue;
            }

            NativeDevice[] found = [.. library.Gpus.Where(d => d.IsNamed(name ?? ""))];
            if (found.Length == 0)
            {
                throw OptionCheck.Invalid(
                    $"'{o.Name}' names the device '{Native.Excerpt.Of(name ?? "", 64)}', which llama.cpp does not show here. There are: {string.Join(", ", [Cpu, .. library.Gpus])}.");
            }

            devices.AddRange(found);
        }

        return devices.Distinct().Count() == devices.Count ? [.. devices] : throw OptionCheck.Invalid($"'{o.Name}' names a device twice. Leave one out.");

        static bool Is(string? name, string keyword) => string.Equals(name, keyword, StringComparison.OrdinalIgnoreCase);
    }
}
