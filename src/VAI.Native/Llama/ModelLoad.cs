using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>The ways a model comes into llama.cpp. The metadata has passed the gate of <c>VAI.Native.Gguf</c> before.</summary>
internal static unsafe partial class ModelLoad
{
    // llama_load_mode.
    private const int LoadModeNone = 0;
    private const int LoadModeMmap = 1;

    /// <summary>Loads a file by llama.cpp's own loader.</summary>
    /// <param name="file">A checked GGUF file.</param>
    /// <param name="settings">Where the weights go.</param>
    /// <param name="progress">Called with 0 to 1 on the loading thread.</param>
    /// <param name="cancellationToken">Stops the load at its next progress step.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.ModelRejected"/>: llama.cpp refused the model.</exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: there was none for its weights.</exception>
    public static LlamaModel FromFile(
        string file, LlamaModelSettings settings, Action<float>? progress, CancellationToken cancellationToken) =>
        Load(file, settings, progress, cancellationToken, p => LlamaNative.llama_model_load_from_file(file, p));

    /// <summary>Maps a GGUF that lies inside another file, from a page boundary on.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="offset">Where the GGUF starts.</param>
    /// <param name="name">Stands for the path in errors.</param>
    /// <param name="settings">Where the weights go.</param>
    /// <param name="progress">Called with 0 to 1 on the loading thread.</param>
    /// <param name="cancellationToken">Stops the load at its next progress step.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.ModelRejected"/>: llama.cpp refused the model.</exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: there was none for its weights.</exception>
    public static LlamaModel FromFileAt(
        SafeFileHandle file,
        long offset,
        string name,
        LlamaModelSettings settings,
        Action<float>? progress,
        CancellationToken cancellationToken)
    {
        int copy = LibcNative.dup(file);
        nint stream = copy < 0 ? 0 : LibcNative.fdopen(copy, "rb");
        if (stream == 0)
            throw new VaiEngineException(VaiError.NativeFailure, $"{name}: cannot be opened again ({Marshal.GetLastPInvokeErrorMessage()}).");
        try
        {
            _ = LibcNative.fseek(stream, (nint)offset, LibcNative.SEEK_SET);
            return Load(name, settings, progress, cancellationToken, p => LlamaNative.llama_model_load_from_file_ptr(stream, p));
        }
        finally
        {
            _ = LibcNative.fclose(stream);
        }
    }

    /// <summary>
    /// Makes a model of its metadata alone, on the CPU. Every tensor is visited once, with its buffer allocated and its data
    /// not set.
    /// </summary>
    /// <param name="metadata">The verbatim head of a GGUF file, up to its tensor data.</param>
    /// <param name="name">Stands for the path in errors.</param>
    /// <param name="packing">Which tensors go into which buffer type; the rest into the CPU's own.</param>
    /// <param name="visit">Called for each tensor on this thread; what it throws ends the load.</param>
    /// <param name="finish">Called after the last tensor.</param>
    /// <param name="overlay">
    /// What <paramref name="visit"/> or <paramref name="finish"/> lay over the buffers; disposed before the model is freed.
    /// </param>
    /// <param name="output">The output matrix that the metadata does not list; null to leave it as it is.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.ModelRejected"/>: llama.cpp refused the model.</exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: there was none for its weights.</exception>
    public static LlamaModel FromMetadata(
        ReadOnlySpan<byte> metadata,
        string name,
        IReadOnlyList<PackedTensors> packing,
        Action<LlamaTensor> visit,
        Action finish,
        IDisposable overlay,
        TiedOutput? output = null)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        ModelParamsTable t = library.Abi.Model;
        using GgufContextHandle gguf = Parse(metadata, name);
        if (output is not null)
            List(output, gguf, name);
        var state = new VisitState(visit);
        var pin = GCHandle.Alloc(state);
        using var overrides = new Overrides(packing);
        nint noDevices = 0;
        try
        {
            ParamsBlob p = LlamaNative.llama_model_default_params();

            // An empty list of devices: the buffers must be the CPU's own memory.
            p.Set(t.Devices, (nint)(&noDevices));
            p.Set(t.TensorBufferTypeOverrides, overrides.Pointer);
            p.Set(t.GpuLayers, 0);
            if (t.LoadMode >= 0)
                p.Set(t.LoadMode, LoadModeNone);
            if (t.UseMmap >= 0)
                p.Set(t.UseMmap, (byte)0);
            p.Set(t.UseExtraBufferTypes, (byte)0);

            NativeLog.CollectErrors();
            nint model = LlamaNative.llama_model_init_from_user(gguf, &OnTensor, GCHandle.ToIntPtr(pin), p);
            IReadOnlyList<string> errors = NativeLog.TakeErrors();
            if (model == 0)
                throw Refused(library, name, errors);
            var handle = new LlamaModelHandle(model, overlay);
            try
            {
                state.Error?.Throw();
                finish();
                return new LlamaModel(handle);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        finally
        {
            pin.Free();
        }
    }

    internal static GgufContextHandle Parse(ReadOnlySpan<byte> metadata, string name)
    {
        NativeLog.CollectErrors();
        nint gguf;
        fixed (byte* start = metadata)
            gguf = GgmlNative.gguf_init_from_buffer(start, (nuint)metadata.Length, new gguf_init_params { no_alloc = 1 });
        IReadOnlyList<string> errors = NativeLog.TakeErrors();
        return gguf != 0 ? new GgufContextHandle(gguf) : throw Refused(NativeLoader.EnsureLoaded(), name, errors);
    }

    private static void List(TiedOutput output, GgufContextHandle gguf, string name)
    {
        // A name that is there twice ends the process.
        if (GgmlNative.gguf_find_tensor(gguf, TiedOutput.Name) >= 0)
            throw new VaiModelException(VaiError.InvalidModel, $"'{name}' has an output matrix of its own. Burn it again.");
        nint context = GgmlNative.ggml_init(new ggml_init_params { mem_size = GgmlNative.ggml_tensor_overhead() * 2, no_alloc = 1 });
        if (context == 0)
            throw new VaiEngineException(VaiError.OutOfMemory, $"'{name}' could not be attached for want of memory.");
        ggml_tensor* tensor = GgmlNative.ggml_new_tensor_4d(context, (int)output.Type, output.RowLength, output.Rows, 1, 1);
        GgmlNative.gguf_add_tensor(gguf, GgmlNative.ggml_set_name(tensor, TiedOutput.Name));
        GgmlNative.ggml_free(context);
    }

    private static LlamaModel Load(
        string name,
        LlamaModelSettings settings,
        Action<float>? progress,
        CancellationToken cancellationToken,
        Func<ParamsBlob, nint> load)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        ModelParamsTable t = library.Abi.Model;
        settings.Check(library);
        var state = new LoadState(progress, cancellationToken);
        var pin = GCHandle.Alloc(state);
        using var overrides = new Overrides(settings.Packing);
        ParamsBlob p = LlamaNative.llama_model_default_params();
        using var placement = new Placement(library, settings, ref p);
        try
        {
            p.Set(t.TensorBufferTypeOverrides, overrides.Pointer);
            p.Set(t.ProgressCallback, (nint)(delegate* unmanaged[Cdecl]<float, nint, byte>)&OnProgress);
            p.Set(t.ProgressUserData, GCHandle.ToIntPtr(pin));
            if (t.LoadMode >= 0)
                p.Set(t.LoadMode, settings.Map ? LoadModeMmap : LoadModeNone);
            if (t.UseMmap >= 0)
                p.Set(t.UseMmap, settings.Map ? (byte)1 : (byte)0);
            p.Set(t.UseExtraBufferTypes, settings.Repack ? (byte)1 : (byte)0);

            NativeLog.CollectErrors();
            NativeLog.CollectLines(WeightPlaces.Concerns);
            nint model = load(p);
            var places = WeightPlaces.Parse(NativeLog.TakeLines());
            IReadOnlyList<string> errors = NativeLog.TakeErrors();
            if (model != 0)
                return new LlamaModel(new LlamaModelHandle(model)) { Places = places };
            state.Error?.Throw();
            cancellationToken.ThrowIfCancellationRequested();
            throw Refused(library, name, errors, settings.UsesGpu);
        }
        finally
        {
            pin.Free();
        }
    }

    // The first error names the cause; the later ones only say that loading failed.
    internal static VaiException Refused(LoadedLlama library, string name, IReadOnlyList<string> errors, bool onGpu = false)
    {
        const string Prefix = "error loading model: ";
        string reason = errors.Count == 0 ? "it gave no reason" : errors[0];
        int colon = reason.LastIndexOf(Prefix, StringComparison.Ordinal);
        reason = (colon < 0 ? reason : reason[(colon + Prefix.Length)..]).TrimEnd('.');
        if (errors.FirstOrDefault(e => NoMemory().IsMatch(e)) is { } full)
        {
            return new VaiEngineException(
                VaiError.OutOfMemory,
                $"There is not enough memory for the weights of '{name}' (llama.cpp: {NoMemory().Match(full).Value}). Unload another model{(onGpu ? ", or put fewer layers on the GPU" : "")}.");
        }

        return new VaiModelException(
            VaiError.ModelRejected,
            $"llama.cpp {library.Version} refused '{name}': {reason}. Check that this release supports the model, "
            + "or convert the model again.");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte OnProgress(float fraction, nint data)
    {
        var state = (LoadState)GCHandle.FromIntPtr(data).Target!;
        try
        {
            state.Progress?.Invoke(fraction);
        }
        catch (Exception e)
        {
            // Thrown again once the native frames are gone.
            state.Error = ExceptionDispatchInfo.Capture(e);
            return 0;
        }

        return state.Token.IsCancellationRequested ? (byte)0 : (byte)1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnTensor(nint tensor, nint data)
    {
        var state = (VisitState)GCHandle.FromIntPtr(data).Target!;

        // The callback cannot stop the load, so that after an error the rest goes by unvisited.
        if (state.Error is not null)
            return;
        try
        {
            state.Visit(new LlamaTensor((ggml_tensor*)tensor));
        }
        catch (Exception e)
        {
            state.Error = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>A null-terminated array of patterns and buffer types in native memory; 0 for none.</summary>
    private readonly ref struct Overrides
    {
        private readonly int _count;

        public Overrides(IReadOnlyList<PackedTensors> packing)
        {
            _count = packing.Count;
            if (_count == 0)
                return;
            var array = (llama_model_tensor_buft_override*)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(llama_model_tensor_buft_override));
            for (int i = 0; i < _count; i++)
                array[i] = new() { pattern = Marshal.StringToCoTaskMemUTF8(packing[i].Pattern), buft = packing[i].BufferType };
            Pointer = (nint)array;
        }

        public nint Pointer { get; }

        public void Dispose()
        {
            var array = (llama_model_tensor_buft_override*)Pointer;
            for (int i = 0; i < _count; i++)
                Marshal.FreeCoTaskMem(array[i].pattern);
            NativeMemory.Free(array);
        }
    }

    // What llama.cpp says where a device's driver, or the system, gives it no memory.
    [GeneratedRegex(@"(unable|failed) to allocate \S+ buffer[^\r\n]*", RegexOptions.CultureInvariant)]
    private static partial Regex NoMemory();

    private sealed class LoadState(Action<float>? progress, CancellationToken token)
    {
        public Action<float>? Progress => progress;

        public CancellationToken Token => token;

        public ExceptionDispatchInfo? Error { get; set; }
    }

    private sealed class VisitState(Action<LlamaTensor> visit)
    {
        public Action<LlamaTensor> Visit => visit;

        public ExceptionDispatchInfo? Error { get; set; }
    }
}
