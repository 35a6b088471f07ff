using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Abi;

/// <summary>What was loaded, from where, and what it can compute on.</summary>
internal sealed unsafe class LoadedLlama
{
    internal LoadedLlama(
        string libraryFile, string directory, string source, string version, AbiTable abi, IReadOnlyList<ProbedPath> probed)
    {
        LibraryFile = libraryFile;
        Directory = directory;
        Source = source;
        Version = version;
        Abi = abi;
        Probed = probed;
        Devices = ReadDevices();
        MaxSequences = (int)Math.Min(LlamaNative.llama_max_parallel_sequences(), 256);
        MaxDevices = (int)Math.Min(LlamaNative.llama_max_devices(), 64);
    }

    public string LibraryFile { get; }

    public string Directory { get; }

    public string Source { get; }

    public string Version { get; }

    public AbiTable Abi { get; }

    public IReadOnlyList<ProbedPath> Probed { get; }

    public IReadOnlyList<NativeDevice> Devices { get; }

    /// <summary>Those that have memory of their own for weights, in llama.cpp's order.</summary>
    public IEnumerable<NativeDevice> Gpus => Devices.Where(d => d.IsGpu);

    /// <summary>The most sequences one context can hold.</summary>
    public int MaxSequences { get; }

    /// <summary>The length of a tensor split.</summary>
    public int MaxDevices { get; }

    /// <summary>The CPU kernels in use, for example <c>libggml-cpu-zen4.so</c>; null if they are linked in.</summary>
    public string? CpuKernels => ProcessMaps.FileOf("libggml-cpu");

    /// <summary>llama.cpp's own line of CPU features.</summary>
    public string SystemInfo => Marshal.PtrToStringUTF8((nint)LlamaNative.llama_print_system_info())?.Trim() ?? "";

    private static NativeDevice[] ReadDevices()
    {
        var devices = new NativeDevice[(int)GgmlNative.ggml_backend_dev_count()];
        for (int i = 0; i < devices.Length; i++)
            devices[i] = new NativeDevice(GgmlNative.ggml_backend_dev_get((nuint)i));
        return devices;
    }
}
