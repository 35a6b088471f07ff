using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>Models to plan with.</summary>
internal static unsafe class ModelOutline
{
    /// <summary>
    /// Makes a model of its metadata alone, without memory for weights. Its contexts reserve what they would take and allocate none
    /// of it but the output; to compute with one ends the process.
    /// </summary>
    /// <param name="metadata">The verbatim head of a GGUF file, up to its tensor data.</param>
    /// <param name="name">Stands for the path in errors.</param>
    /// <param name="settings">Where the weights would go.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.ModelRejected"/>: llama.cpp refused the model.</exception>
    public static LlamaModel Of(ReadOnlySpan<byte> metadata, string name, LlamaModelSettings settings)
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        ModelParamsTable t = library.Abi.Model;
        settings.Check(library);
        using GgufContextHandle gguf = ModelLoad.Parse(metadata, name);
        ParamsBlob p = LlamaNative.llama_model_default_params();
        using var placement = new Placement(library, settings, ref p);

        // llama_load_mode 0 is none: mapping asserts that there is memory.
        if (t.LoadMode >= 0)
            p.Set(t.LoadMode, 0);
        if (t.UseMmap >= 0)
            p.Set(t.UseMmap, (byte)0);
        p.Set(t.UseExtraBufferTypes, (byte)0);
        p.Set(t.NoAlloc, (byte)1);

        NativeLog.CollectErrors();
        NativeLog.CollectLines(WeightPlaces.Concerns);
        nint model = LlamaNative.llama_model_init_from_user(gguf, &OnNoTensor, 0, p);
        var places = WeightPlaces.Parse(NativeLog.TakeLines());
        IReadOnlyList<string> errors = NativeLog.TakeErrors();
        return model != 0 ? new LlamaModel(new LlamaModelHandle(model)) { Places = places } : throw ModelLoad.Refused(library, name, errors);
    }

    // A model without memory has no data to set.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnNoTensor(nint tensor, nint data)
    {
    }
}
