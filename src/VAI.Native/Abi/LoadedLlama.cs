using System.Runtime.InteropServices;
using VAI.Native.Interop;
using VAI.Native.Machine;

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
    public string? CpuKernels => CpuKernelsFile is { } file ? Path.GetFileName(file) : null;

    /// <summary>Their path.</summary>
    public string? CpuKernelsFile => ProcessMaps.PathOf("libggml-cpu");

    /// <summary>Whether the CPU has VNNI, most of the speed with quantized weights, and the kernels were built without it.</summary>
    public bool LacksVnni =>
        (CpuFlags.Current.Has("avx512_vnni") || CpuFlags.Current.Has("avx_vnni")) && !SystemInfo.Contains("VNNI = 1", StringComparison.Ordinal);

    /// <summary>llama.cpp's own line of CPU features.</summary>
    /// <remarks>Read once: llama.cpp writes it anew at each call, for everybody into the same place.</remarks>
    public string SystemInfo { get; } = Marshal.PtrToStringUTF8((nint)LlamaNative.llama_print_system_info())?.Trim() ?? "";

    private static NativeDevice[] ReadDevices()
    {
        var devices = new NativeDevice[(int)GgmlNative.ggml_backend_dev_count()];
        for (int i = 0; i < devices.Length; i++)
            devices[i] = new NativeDevice(GgmlNative.ggml_backend_dev_get((nuint)i));
        return devices;
    }
}
