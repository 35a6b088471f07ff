using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>What <see cref="LlamaModel.Load"/> is asked for.</summary>
internal sealed record LlamaModelSettings
{
    /// <summary>Layers to put on the GPU; -1 for all of them.</summary>
    public int GpuLayers { get; init; }

    public int MainGpu { get; init; }

    /// <summary>The share of each device, in any unit; null to let llama.cpp decide.</summary>
    public float[]? TensorSplit { get; init; }
}

/// <summary>A model's weights and vocabulary in llama.cpp. Shared by any number of contexts; thread-safe.</summary>
internal sealed unsafe class LlamaModel : IDisposable
{
    // llama_load_mode: map the file, so that the page cache holds the one copy.
    private const int LoadModeMmap = 1;

    private LlamaModel(LlamaModelHandle handle)
    {
        Handle = handle;
        Vocab = new LlamaVocab(handle);
        EmbeddingLength = LlamaNative.llama_model_n_embd(handle);
    }

    public LlamaModelHandle Handle { get; }

    public LlamaVocab Vocab { get; }

    public int EmbeddingLength { get; }

    /// <summary>Loads a file that has passed the gate of <c>VAI.Native.Gguf</c>.</summary>
    /// <param name="file">A checked GGUF file.</param>
    /// <param name="settings">Where the weights go.</param>
    /// <param name="progress">Called with 0 to 1 on the loading thread.</param>
    /// <param name="cancellationToken">Stops the load at its next progress step.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.ModelRejected"/>: llama.cpp refused the model.</exception>
    public static LlamaModel Load(
        string file, LlamaModelSettings settings, Action<float>? progress = null, CancellationToken cancellationToken = default)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        ModelParamsTable t = library.Abi.Model;
        CheckDevices(settings, library);
        var state = new LoadState(progress, cancellationToken);
        var pin = GCHandle.Alloc(state);
        float[] split = new float[library.MaxDevices];
        settings.TensorSplit?.CopyTo(split, 0);
        try
        {
            fixed (float* splitPointer = split)
            {
                ParamsBlob p = LlamaNative.llama_model_default_params();
                p.Set(t.GpuLayers, settings.GpuLayers);
                p.Set(t.MainGpu, settings.MainGpu);
                p.Set(t.TensorSplit, settings.TensorSplit is null ? 0 : (nint)splitPointer);
                p.Set(t.ProgressCallback, (nint)(delegate* unmanaged[Cdecl]<float, nint, byte>)&OnProgress);
                p.Set(t.ProgressUserData, GCHandle.ToIntPtr(pin));
                if (t.LoadMode >= 0)
                    p.Set(t.LoadMode, LoadModeMmap);
                if (t.UseMmap >= 0)
                    p.Set(t.UseMmap, (byte)1);
                p.Set(t.UseExtraBufferTypes, (byte)0);

                NativeLog.CollectErrors();
                nint model = LlamaNative.llama_model_load_from_file(file, p);
                IReadOnlyList<string> errors = NativeLog.TakeErrors();
                if (model != 0)
                    return new LlamaModel(new LlamaModelHandle(model));
                state.Error?.Throw();
                cancellationToken.ThrowIfCancellationRequested();
                throw new VaiModelException(
                    VaiError.ModelRejected,
                    $"llama.cpp {library.Version} refused '{file}': {Reason(errors)}. Check that this release supports the model, "
                    + "or convert the model again.");
            }
        }
        finally
        {
            pin.Free();
        }
    }

    public void Dispose() => Handle.Dispose();

    // The first error names the cause; the later ones only say that loading failed.
    private static string Reason(IReadOnlyList<string> errors)
    {
        if (errors.Count == 0)
            return "it gave no reason";
        string first = errors[0];
        int colon = first.LastIndexOf("error loading model: ", StringComparison.Ordinal);
        return (colon < 0 ? first : first[(colon + "error loading model: ".Length)..]).TrimEnd('.');
    }

    private static void CheckDevices(LlamaModelSettings settings, LoadedLlama library)
    {
        int gpus = library.Devices.Count(d => !d.IsCpu);
        if (settings.GpuLayers < -1)
            throw Invalid($"GpuLayers {settings.GpuLayers} is out of range: use -1 for all layers, 0 for none, or a number of layers.");
        if (settings.MainGpu < 0 || settings.MainGpu >= Math.Max(1, gpus))
            throw Invalid($"MainGpu {settings.MainGpu} does not exist: this machine shows {gpus} GPU(s) to llama.cpp.");
        if (settings.TensorSplit is { } split
            && (split.Length > library.MaxDevices || split.Any(v => !float.IsFinite(v) || v < 0)))
        {
            throw Invalid($"TensorSplit takes at most {library.MaxDevices} finite shares of 0 or more.");
        }

        static VaiUsageException Invalid(string message) => new(VaiError.InvalidOption, message);
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
            state.Error = System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(e);
            return 0;
        }

        return state.Token.IsCancellationRequested ? (byte)0 : (byte)1;
    }

    private sealed class LoadState(Action<float>? progress, CancellationToken token)
    {
        public Action<float>? Progress => progress;

        public CancellationToken Token => token;

        public System.Runtime.ExceptionServices.ExceptionDispatchInfo? Error { get; set; }
    }
}
