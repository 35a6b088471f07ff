using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>Where a model's layers go, in the arrays that llama.cpp reads while a model is made.</summary>
internal readonly unsafe ref struct Placement
{
    private readonly nint* _devices;
    private readonly float* _split;

    public Placement(LoadedLlama library, LlamaModelSettings settings, ref ParamsBlob p)
    {
        ModelParamsTable t = library.Abi.Model;
        int count = settings.UsesGpu ? settings.Devices.Count : 0;

        // Ends with a null. Without a list llama.cpp would take every device there is.
        _devices = (nint*)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(nint));
        for (int i = 0; i < count; i++)
            _devices[i] = settings.Devices[i].Handle;
        _split = (float*)NativeMemory.AllocZeroed((nuint)library.MaxDevices, sizeof(float));
        for (int i = 0; i < settings.TensorSplit?.Count; i++)
            _split[i] = settings.TensorSplit[i];
        p.Set(t.Devices, (nint)_devices);
        p.Set(t.GpuLayers, count > 0 ? settings.GpuLayers : 0);
        p.Set(t.MainGpu, count > 0 ? settings.MainGpu : 0);
        p.Set(t.TensorSplit, settings.TensorSplit is null ? 0 : (nint)_split);
    }

    public void Dispose()
    {
        NativeMemory.Free(_devices);
        NativeMemory.Free(_split);
    }
}
