using VAI.Native.Abi;
using VAI.Native.Memory;
using VAI.Residency;

namespace VAI.Diagnostics;

/// <summary>Tries the native library and looks at the machine; what fails becomes part of the report.</summary>
internal static class Doctor
{
    // Docker's default: too little for any model.
    private const long SmallSharedMemory = 64L << 20;

    private const string NotLoaded = "could not be loaded";

    /// <summary>What a library costs beside VAI.Native's; null for nothing that is known.</summary>
    public static string? CostOf(LoadedLlama library) => library.LacksVnni
        ? "its kernels were built without VNNI, which this CPU has: with weights of 4 bits 0.6 to 0.7 of the tokens/s of VAI.Native's, and half the speed at which it reads a prompt"
        : null;

    public static DiagnosticReport Examine(string? nativeDirectory)
    {
        LoadedLlama? library = null;
        VaiError? code = null;
        string? message = null;
        try
        {
            library = NativeLoader.EnsureLoaded(nativeDirectory);
        }
        catch (VaiException e)
        {
            code = e.Code;
            message = e.Message;
        }
        catch (PlatformNotSupportedException e)
        {
            code = VaiError.NotSupported;
            message = e.Message;
        }

        MemoryRoom room = MemoryRoom.Read();
        (long shared, long sharedFree) = Memory.ReadShared();
        IReadOnlyList<ProbedPath> probed = library?.Probed ?? NativeLoader.LastProbed;
        var report = new DiagnosticReport
        {
            Ready = library is { Devices.Count: > 0 },
            ErrorCode = code,
            ErrorMessage = message,
            Probed = [.. probed.Select(p => new ProbedLibrary(p.Source, p.Path, p.Outcome))],
            LibrarySource = library?.Source,
            LibraryCost = library is null ? null : CostOf(library),
            LibraryFile = library?.LibraryFile,
            LibraryVersion = library?.Version,
            Abi = library?.Abi.Name,
            CpuFeatures = library?.SystemInfo,
            CpuKernels = library?.CpuKernels,
            Devices = [.. (library?.Devices ?? []).Select(d => ComputeDevice.Of(d))],
            PhysicalCores = Cores.Physical,
            TotalMemory = room.Total,
            AvailableMemory = room.Available,
            MemoryLimit = room.Limit?.Bytes,
            MemoryLimitSource = room.Limit?.Group,
            SharedMemory = shared,
            SharedMemoryFree = sharedFree,
            HugePages = HugePages.AreGiven(),
        };
        return report with { Fix = FixFor(report, nativeDirectory, library) };
    }

    private static string? FixFor(DiagnosticReport report, string? directory, LoadedLlama? library)
    {
        switch (report.ErrorCode)
        {
            case VaiError.NotSupported:
                return "Run VAI on Linux, x64 or arm64.";
            case VaiError.UnknownAbi:
                return "Use the llama.cpp that VAI's build restores: unset "
                    + $"{NativeLocator.DirectoryVariable}, or set it to the directory of a build whose layout VAI knows.";
            case not null:
                ProbedLibrary? broken = report.Probed.FirstOrDefault(p => p.Outcome.Contains(NotLoaded, StringComparison.Ordinal));
                return broken is not null
                    ? $"Run `ldd` on the libraries in {broken.Path}, and install what is missing or restore them."
                    : $"Build VAI with npm on the PATH, or set {NativeLocator.DirectoryVariable} to the directory of libllama.so.";
        }

        if (!report.Ready)
            return $"Put llama.cpp's libggml-cpu-*.so beside {report.LibraryFile}: without them there is nothing to compute on.";
        if (!string.IsNullOrEmpty(directory) && library!.Source != "option")
            return $"This process had already loaded {report.LibraryFile}. Start a new one to try {directory}.";
        if (report.Probed.FirstOrDefault(p => p.Outcome.Contains(NotLoaded, StringComparison.Ordinal)) is { } passed)
            return $"Install what {passed.Source} lacks ({passed.Outcome}), or do without it: what computes now is {report.LibrarySource}.";
        return report.SharedMemory <= SmallSharedMemory
            ? "Make /dev/shm larger than the models: `mount -o remount,size=50% /dev/shm`, or start the container with --shm-size."
            : null;
    }
}
