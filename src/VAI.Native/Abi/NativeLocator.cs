using System.Runtime.InteropServices;
using VAI.Native.Machine;

namespace VAI.Native.Abi;

/// <summary>A directory that may have llama.cpp's libraries.</summary>
/// <param name="Source">Why it is in the list.</param>
/// <param name="Directory">Its path.</param>
internal sealed record NativeCandidate(string Source, string Directory)
{
    /// <summary>The library of a GPU's backend, by its stem: the directory counts only if that can be loaded.</summary>
    public string? Gpu { get; init; }

    /// <summary>Where the kernels of the CPU are; null if they are in the directory itself.</summary>
    public string? Kernels { get; init; }
}

/// <summary>
/// Where llama.cpp's libraries may be, in order: an option; <c>VAI_LLAMA_DIR</c>; beside the application, below <c>runtimes/RID/native</c>, those for a GPU
/// (<c>vai-cuda</c>, <c>vai-vulkan</c>, and the folders of LLamaSharp's packages), VAI.Native's (<c>vai</c>; in the application's own folder where it
/// was published for one RID), LLamaSharp's for the CPU; the system's loader.
/// </summary>
internal static class NativeLocator
{
    public const string DirectoryVariable = "VAI_LLAMA_DIR";

    private const string Own = "VAI.Native";
    private const string LLamaSharp = "LLamaSharp";

    // The folder of each is the package's own: where two packages have a libggml-base.so, neither may overwrite the other's.
    private static readonly (string Source, string Folder, string Gpu)[] Gpus =
    [
        ("VAI.Native.Cuda", "vai-cuda", "ggml-cuda"),
        ("LLamaSharp cuda13", "cuda13", "ggml-cuda"),
        ("LLamaSharp cuda12", "cuda12", "ggml-cuda"),
        ("VAI.Native.Vulkan", "vai-vulkan", "ggml-vulkan"),
        ("LLamaSharp vulkan", "vulkan", "ggml-vulkan"),
    ];

    public static string RuntimeIdentifier =>
        "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>The directories to try, each with the reason it is in the list.</summary>
    public static IEnumerable<NativeCandidate> Candidates(string? option)
    {
        if (!string.IsNullOrEmpty(option))
        {
            // An explicit choice is the only one: falling back would hide a typing mistake.
            return [new NativeCandidate("option", Path.GetFullPath(option))];
        }

        return Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } variable
            ? [new NativeCandidate(DirectoryVariable, Path.GetFullPath(variable))]
            : Beside(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory), CpuFlags.Current).DistinctBy(c => (c.Directory, c.Gpu));
    }

    /// <summary>Those of an application: what computes fastest comes first.</summary>
    internal static IEnumerable<NativeCandidate> Beside(string application, CpuFlags cpu)
    {
        string native = Path.Combine(application, "runtimes", RuntimeIdentifier, "native");
        string? kernels = LLamaSharpVariant(native, cpu);
        NativeCandidate[] gpus =
        [
            .. Gpus.Select(g => new NativeCandidate(g.Source, Path.Combine(native, g.Folder)) { Gpu = g.Gpu }).Where(c => Directory.Exists(c.Directory))
                .Select(c => c.Source.StartsWith(LLamaSharp, StringComparison.Ordinal) ? c with { Kernels = kernels } : c),
        ];
        foreach (NativeCandidate gpu in gpus)
            yield return gpu;

        yield return new NativeCandidate(Own, Path.Combine(native, "vai"));
        yield return new NativeCandidate(IsOwn(application) ? Own : "application", application);
        if (kernels != native)
            yield return new NativeCandidate("application", native);
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string directories)
        {
            foreach (string directory in directories.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
                yield return new NativeCandidate("package", Path.TrimEndingDirectorySeparator(directory));
        }

        // Without their GPU, VAI's still have the kernels of every CPU.
        foreach (NativeCandidate gpu in gpus.Where(g => g.Source.StartsWith(Own, StringComparison.Ordinal)))
            yield return gpu with { Source = gpu.Source + " without its GPU", Gpu = null };

        if (kernels is not null)
            yield return new NativeCandidate(kernels == native ? LLamaSharp : $"{LLamaSharp} {Path.GetFileName(kernels)}", kernels);
    }

    /// <summary>The library of that stem in a directory: <c>libllama.so</c>, <c>libllama.v0.5.0.so</c>, <c>libllama.so.0</c>.</summary>
    public static string? Find(string directory, string stem)
    {
        if (!Directory.Exists(directory))
            return null;
        string plain = Path.Combine(directory, $"lib{stem}.so");
        if (File.Exists(plain))
            return plain;
        return Directory.EnumerateFiles(directory, $"lib{stem}.*")
            .Where(f => f.EndsWith(".so", StringComparison.Ordinal) || f.Contains(".so.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .LastOrDefault();
    }

    /// <summary>The folder of LLamaSharp.Backend.Cpu whose kernels use most of what this CPU has; null if there is none that it can run.</summary>
    internal static string? LLamaSharpVariant(string native, CpuFlags cpu)
    {
        // For arm64 it has one build, without a folder.
        if (RuntimeInformation.ProcessArchitecture == Architecture.Arm64)
            return File.Exists(Path.Combine(native, "libllama.so")) ? native : null;
        bool avx = cpu.Has("avx"), avx2 = avx && cpu.Has("avx2", "fma", "f16c", "bmi2");
        bool avx512 = avx2 && cpu.Has("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl");
        (string Name, bool Runs)[] variants = [("avx512", avx512), ("avx2", avx2), ("avx", avx), ("noavx", true)];
        return variants
            .Where(v => v.Runs)
            .Select(v => Path.Combine(native, v.Name))
            .FirstOrDefault(d => Find(d, "ggml-cpu") is not null);
    }

    // As npm's libraries are named, and no others.
    private static bool IsOwn(string directory) => Find(directory, "llama") is { } file && Path.GetFileName(file).StartsWith("libllama.v", StringComparison.Ordinal);
}
