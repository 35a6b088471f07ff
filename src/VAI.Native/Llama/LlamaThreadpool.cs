using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>
/// One set of compute threads, shared by every context on the CPU: without it llama.cpp makes and joins threads at every
/// step. Its threads poll between steps of a token, and sleep when none comes.
/// </summary>
internal sealed unsafe class LlamaThreadpool : IDisposable
{
    public const int MaxThreads = 512;

    // struct ggml_threadpool_params (ggml.h): bool cpumask[512], then int n_threads, int prio, uint32 poll, bool strict, bool paused.
    private const int SizeInBytes = 1024;
    private const int ThreadsOffset = 512;
    private const int PollOffset = 520;
    private const int CpuDeviceType = 0;

    // What a thread is called, those are called that it starts; names of threads have 15 bytes.
    private const string WorkersName = "vai-compute";
    private static readonly Lock Starting = new();

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">1 to <see cref="MaxThreads"/>.</param>
    /// <param name="poll">How eagerly they wait for the next step: 0 sleeps at once, 100 spins longest.</param>
    public LlamaThreadpool(int threads, int poll = 50)
    {
        NativeLoader.EnsureLoaded();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MaxThreads);
        Threads = threads;
        nint registry = GgmlNative.ggml_backend_dev_backend_reg(GgmlNative.ggml_backend_dev_by_type(CpuDeviceType));
        var create = (delegate* unmanaged[Cdecl]<byte*, nint>)GgmlNative.ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_new");
        var free = (delegate* unmanaged[Cdecl]<nint, void>)GgmlNative.ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_free");
        byte* parameters = stackalloc byte[SizeInBytes];
        new Span<byte>(parameters, SizeInBytes).Clear();
        GgmlNative.ggml_threadpool_params_init(parameters, threads);
        var layout = new Span<byte>(parameters, SizeInBytes);
        if (BinaryPrimitives.ReadInt32LittleEndian(layout[ThreadsOffset..]) != threads || create is null || free is null)
        {
            throw new VaiEngineException(
                VaiError.UnknownAbi, "ggml_threadpool_params has a layout that VAI does not know. Use a llama.cpp build VAI knows.");
        }

        BinaryPrimitives.WriteInt32LittleEndian(layout[PollOffset..], Math.Clamp(poll, 0, 100));
        nint pool = 0;
        Workers = Started(() => pool = create(parameters));
        if (pool == 0)
            throw new VaiEngineException(VaiError.OutOfMemory, $"ggml could not start {threads} threads. Use fewer threads.");
        Handle = new ThreadpoolHandle(pool, free, (delegate* unmanaged[Cdecl]<nint, void>)Exported("ggml_threadpool_pause"));
    }

    public ThreadpoolHandle Handle { get; }

    public int Threads { get; }

    /// <summary>The kernel's ids of the threads that compute beside the one that decodes; none where they cannot be told apart.</summary>
    public IReadOnlyList<uint> Workers { get; }

    /// <summary>Has the threads sleep at once instead of polling. The next step wakes them; none may run meanwhile.</summary>
    public void Rest() => Handle.Pause();

    public void Dispose() => Handle.Dispose();

    /// <summary>The threads that an action starts.</summary>
    private static IReadOnlyList<uint> Started(Action start)
    {
        lock (Starting)
        {
            uint[] before = Named(), after = [];
            ExceptionDispatchInfo? error = null;
            var starter = new Thread(() =>
            {
                try
                {
                    start();
                    uint own = LibcNative.gettid();
                    after = [.. Named().Where(t => t != own)];
                }
                catch (Exception e)
                {
                    error = ExceptionDispatchInfo.Capture(e);
                }
            })
            {
                Name = WorkersName,
            };
            starter.Start();
            starter.Join();
            error?.Throw();
            return [.. after.Except(before)];
        }
    }

    private static uint[] Named()
    {
        var threads = new List<uint>();
        try
        {
            foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
            {
                if (NameOf(task) == WorkersName)
                    threads.Add(uint.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc: they are not known.
        }

        return [.. threads];
    }

    private static string? NameOf(string task)
    {
        try
        {
            return File.ReadAllText(task + "/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return null;
        }
    }

    // Not among those that the registry gives out. The library is loaded for good, so that this reference to it changes nothing.
    private static nint Exported(string name) =>
        ProcessMaps.PathOf("libggml-cpu") is { } path && NativeLibrary.TryLoad(path, out nint library)
        && NativeLibrary.TryGetExport(library, name, out nint function)
            ? function
            : 0;
}
