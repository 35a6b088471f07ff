namespace VAI;

/// <summary>What <see cref="Vai.Diagnose"/> found out about the machine and the native library. Memory is in bytes.</summary>
public sealed record DiagnosticReport
{
    /// <summary>Whether models can be loaded: the library was found, its layout is known and it has a device to compute on.</summary>
    public required bool Ready { get; init; }

    /// <summary>Why the library could not be used; null if it could.</summary>
    public VaiError? ErrorCode { get; init; }

    /// <summary>The message of that error; null without one.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>Every place where the library was looked for, in order.</summary>
    public required IReadOnlyList<ProbedLibrary> Probed { get; init; }

    /// <summary>
    /// Where the libraries in use are from: <c>VAI.Native</c>, <c>VAI.Native.Vulkan</c>, <c>LLamaSharp avx512</c> (the folder of its package), or another
    /// <see cref="ProbedLibrary.Source"/>; null if none are loaded.
    /// </summary>
    public string? LibrarySource { get; init; }

    /// <summary>What is lost by using them, where there are better ones for this CPU; null if nothing is.</summary>
    public string? LibraryCost { get; init; }

    /// <summary>The file of libllama; null if none is loaded.</summary>
    public string? LibraryFile { get; init; }

    /// <summary>llama.cpp's version, or the file's name where the library does not tell.</summary>
    public string? LibraryVersion { get; init; }

    /// <summary>The layout the library was found to have.</summary>
    public string? Abi { get; init; }

    /// <summary>llama.cpp's line of CPU features.</summary>
    public string? CpuFeatures { get; init; }

    /// <summary>The library of CPU kernels in use; null if they are linked in, or nothing is loaded.</summary>
    public string? CpuKernels { get; init; }

    /// <summary>What can compute.</summary>
    public required IReadOnlyList<ComputeDevice> Devices { get; init; }

    /// <summary>Physical cores this process may use: the default of <see cref="VaiOptions.Threads"/>.</summary>
    public required int PhysicalCores { get; init; }

    /// <summary>Memory of the machine, or the least limit of this process's control groups below that; 0 if unknown.</summary>
    public required long TotalMemory { get; init; }

    /// <summary>What of it can be had without swapping; 0 if that is unknown, too.</summary>
    public required long AvailableMemory { get; init; }

    /// <summary>The limit with the least room below it, in bytes; null where none is set.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>The control group that has that limit, by its directory; null where none is set.</summary>
    public string? MemoryLimitSource { get; init; }

    /// <summary>Size of <c>/dev/shm</c>; 0 if there is none.</summary>
    public required long SharedMemory { get; init; }

    /// <summary>What of it is free.</summary>
    public required long SharedMemoryFree { get; init; }

    /// <summary>
    /// Whether the kernel gives huge pages to files in memory that ask for them (<c>MADV_COLLAPSE</c>, Linux 6.1), so that what is burned
    /// into <c>/dev/shm</c> lies in them.
    /// </summary>
    public bool HugePages { get; init; }

    /// <summary>What to do about the most serious thing that is wrong; null if nothing is.</summary>
    public string? Fix { get; init; }
}

/// <summary>A place where libllama was looked for.</summary>
/// <param name="Source">
/// Why there: <c>option</c>, <c>VAI_LLAMA_DIR</c>, the package whose folder it is (<c>VAI.Native</c>, <c>VAI.Native.Cuda</c>, <c>VAI.Native.Vulkan</c>,
/// <c>LLamaSharp</c> with its folder), <c>application</c>, <c>package</c>, <c>system</c>.
/// </param>
/// <param name="Path">The directory, or the name given to the system's loader.</param>
/// <param name="Outcome">What was found, or which one was taken in its stead.</param>
public sealed record ProbedLibrary(string Source, string Path, string Outcome);

