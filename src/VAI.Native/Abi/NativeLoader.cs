using System.Reflection;
using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Abi;

/// <summary>
/// Loads llama.cpp once per process: finds the libraries, resolves the imports to them, fingerprints the layout, registers
/// the log callback and the backends. Thread-safe; a failed attempt leaves nothing loaded that a later one could trip over.
/// </summary>
internal static unsafe class NativeLoader
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, nint> Libs = [];
    private static LoadedLlama? _loaded;
    private static IReadOnlyList<ProbedPath> _lastProbed = [];
    private static bool _resolving;

    // Loaded, and called by nobody but ggml.
    private const string Kernels = "ggml-cpu";
    private const string Gpu = "ggml-gpu";

    /// <summary>Where the last attempt looked, whether or not it found a library. The list is complete when the attempt ended.</summary>
    public static IReadOnlyList<ProbedPath> LastProbed => Volatile.Read(ref _lastProbed);

    /// <summary>Loads on the first call; later calls return the same library, whatever directory they name.</summary>
    /// <param name="directory">The only directory to look in, or null for the list of <see cref="NativeLocator"/>.</param>
    /// <exception cref="VaiEngineException">No library was found, it could not be loaded, or its layout is unknown.</exception>
    public static LoadedLlama EnsureLoaded(string? directory = null)
    {
        if (Volatile.Read(ref _loaded) is { } ready)
            return ready;
        lock (Gate)
        {
            if (_loaded is null)
                Volatile.Write(ref _loaded, Load(directory));
            return _loaded!;
        }
    }

    private static LoadedLlama Load(string? directory)
    {
        if (!OperatingSystem.IsLinux() || !BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException(
                "VAI runs on Linux, x64 and arm64. Run it there.");
        }

        // An abort inside ggml would otherwise start a debugger to print a backtrace.
        _ = LibcNative.setenv("GGML_NO_BACKTRACE", "1", 0);
        var probed = new List<ProbedPath>();
        Volatile.Write(ref _lastProbed, probed);
        NativeCandidate[] candidates = [.. NativeLocator.Candidates(directory)];
        for (int i = 0; i < candidates.Length; i++)
        {
            if (TryOpen(candidates[i], probed) is { } found)
            {
                probed.AddRange(NotTaken(candidates[(i + 1)..], candidates[i], probed));
                return found;
            }
        }

        if (string.IsNullOrEmpty(directory) && TryOpenSystem(probed) is { } system)
            return system;
        throw new VaiEngineException(
            VaiError.NativeLibraryNotFound,
            "llama.cpp's library was not found. Tried: "
            + string.Join("; ", probed.Select(p => $"{p.Path} ({p.Outcome})"))
            + $". Restore it with a build of VAI, or set {NativeLocator.DirectoryVariable} to the directory of libllama.so.");
    }

    // Of several sources one is used: that the others are there, too, is said.
    private static ProbedPath[] NotTaken(NativeCandidate[] later, NativeCandidate taken, List<ProbedPath> probed) =>
    [
        .. later
            .Where(c => NativeLocator.Find(c.Directory, "llama") is not null && probed.TrueForAll(p => p.Path != c.Directory))
            .DistinctBy(c => c.Directory)
            .Select(c => new ProbedPath(c.Source, c.Directory, $"not taken: {taken.Source} comes before it")),
    ];

    private static LoadedLlama? TryOpen(NativeCandidate candidate, List<ProbedPath> probed)
    {
        (string source, string directory) = candidate;
        string? llama = NativeLocator.Find(directory, "llama");
        string? ggml = NativeLocator.Find(directory, "ggml");
        string? ggmlBase = NativeLocator.Find(directory, "ggml-base");
        string? gpu = candidate.Gpu is { } backend ? NativeLocator.Find(directory, backend) : null;
        if (llama is null || ggml is null || ggmlBase is null || (candidate.Gpu is not null && gpu is null))
        {
            probed.Add(new ProbedPath(source, directory, Directory.Exists(directory) ? "no libllama there" : "no such directory"));
            return null;
        }

        // libggml-base before what names it as a dependency and may carry no search path of its own. But the GPU's library before all: where it
        // cannot be loaded (it finds libggml-base by its own path), nothing else of its directory may be left in the process.
        List<(string Name, string File)> files = [(Libraries.GgmlBase, ggmlBase), (Libraries.Ggml, ggml), (Libraries.Llama, llama)];
        if (candidate.Kernels is { } kernels && NativeLocator.Find(kernels, "ggml-cpu") is { } cpu)
            files.Insert(1, (Kernels, cpu));
        if (gpu is not null)
            files.Insert(0, (Gpu, gpu));
        return Open(source, directory, files, probed);
    }

    private static LoadedLlama? TryOpenSystem(List<ProbedPath> probed) =>
        Open("system", "", [(Libraries.GgmlBase, "libggml-base.so"), (Libraries.Ggml, "libggml.so"), (Libraries.Llama, "libllama.so")], probed)
        ?? Open("system", "", [(Libraries.GgmlBase, "libggml-base.so.0"), (Libraries.Ggml, "libggml.so.0"), (Libraries.Llama, "libllama.so.0")], probed);

    private static LoadedLlama? Open(string source, string directory, List<(string Name, string File)> files, List<ProbedPath> probed)
    {
        Libs.Clear();
        string at = directory.Length > 0 ? directory : files[^1].File;
        foreach ((string name, string file) in files)
        {
            try
            {
                Libs[name] = NativeLibrary.Load(file);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                foreach (nint loaded in Libs.Values)
                    NativeLibrary.Free(loaded);
                probed.Add(new ProbedPath(source, at, directory.Length > 0 ? $"{Path.GetFileName(file)} could not be loaded: {Reason(e.Message)}" : "not found"));
                return null;
            }
        }

        string libllama = files[^1].File;
        nint llama = Libs[Libraries.Llama];
        string version = VersionOf(llama, Libs[Libraries.GgmlBase], libllama);
        AbiTable abi = Identify(llama, libllama, version, outcome => probed.Add(new ProbedPath(source, at, outcome)));
        probed.Add(new ProbedPath(source, at, $"loaded {Path.GetFileName(libllama)}"));

        if (!_resolving)
        {
            NativeLibrary.SetDllImportResolver(typeof(LlamaNative).Assembly, Resolve);
            _resolving = true;
        }

        NativeLog.Install();
        string backends = directory.Length > 0 ? directory : ProcessMaps.DirectoryOf("libggml-base");
        GgmlNative.ggml_backend_load_all_from_path(backends);
        LlamaNative.llama_backend_init();
        return new LoadedLlama(libllama, backends, source, version, abi, probed);
    }

    private static AbiTable Identify(nint llama, string file, string version, Action<string> failed)
    {
        try
        {
            return AbiFingerprint.Identify(
                NativeLibrary.GetExport(llama, nameof(LlamaNative.llama_model_default_params)),
                NativeLibrary.GetExport(llama, nameof(LlamaNative.llama_context_default_params)),
                version);
        }
        catch (EntryPointNotFoundException e)
        {
            failed("is no libllama");
            throw new VaiEngineException(
                VaiError.UnknownAbi, $"'{file}' is no libllama: {FirstLine(e.Message)} Use a llama.cpp build VAI knows.", e);
        }
        catch (VaiEngineException)
        {
            failed($"unknown layout ({version})");
            throw;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => Libs.GetValueOrDefault(name);

    // llama_version() exists from 0.4 on, ggml's from before; the file name of older builds carries it.
    private static string VersionOf(nint llama, nint ggmlBase, string file) =>
        Text(llama, "llama_version")
        ?? (Text(ggmlBase, "ggml_version") is { } version && Text(ggmlBase, "ggml_commit") is { } commit ? $"ggml {version} ({commit})" : null)
        ?? Path.GetFileName(file);

    private static string? Text(nint library, string function) =>
        NativeLibrary.TryGetExport(library, function, out nint export)
            ? Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)export)())
            : null;

    private static string FirstLine(string text) => text.Trim().Split('\n')[0];

    // .NET says first what it looked for, and then what the system's loader lacked.
    private static string Reason(string text) =>
        text.Split('\n').FirstOrDefault(l => l.Contains(": cannot open", StringComparison.Ordinal))?.Trim() ?? FirstLine(text);
}
