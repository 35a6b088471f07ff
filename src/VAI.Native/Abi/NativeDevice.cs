using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Abi;

/// <summary>ggml's kinds of devices (<c>enum ggml_backend_dev_type</c>).</summary>
internal enum NativeDeviceKind
{
    Cpu = 0,
    Gpu = 1,
    IntegratedGpu = 2,

    /// <summary>Helps the CPU with the CPU's memory, as BLAS does.</summary>
    Accelerator = 3,
}

/// <summary>A device ggml can compute on; there for as long as the process.</summary>
internal sealed unsafe class NativeDevice
{
    public NativeDevice(nint handle)
    {
        Handle = handle;
        Name = Text(GgmlNative.ggml_backend_dev_name(handle));
        Description = Text(GgmlNative.ggml_backend_dev_description(handle)).Trim();
        Backend = Text(GgmlNative.ggml_backend_reg_name(GgmlNative.ggml_backend_dev_backend_reg(handle)));
        Kind = (NativeDeviceKind)GgmlNative.ggml_backend_dev_type(handle);
    }

    public nint Handle { get; }

    /// <summary>For example <c>CPU</c>, <c>CUDA0</c>, <c>Vulkan1</c>.</summary>
    public string Name { get; }

    /// <summary>The product.</summary>
    public string Description { get; }

    /// <summary>For example <c>CUDA</c>.</summary>
    public string Backend { get; }

    public NativeDeviceKind Kind { get; }

    /// <summary>Whether weights can be put there.</summary>
    public bool IsGpu => Kind is NativeDeviceKind.Gpu or NativeDeviceKind.IntegratedGpu;

    /// <summary>
    /// Its memory in bytes, as the driver has it at this moment. Not every driver tells what is used (Vulkan without <c>VK_EXT_memory_budget</c>): then all of
    /// it looks free.
    /// </summary>
    public (long Free, long Total) Memory()
    {
        nuint free, total;
        GgmlNative.ggml_backend_dev_memory(Handle, &free, &total);
        return ((long)free, (long)total);
    }

    /// <summary>Whether a text names it: in any case, with or without the colon of <c>cuda:0</c>.</summary>
    public bool IsNamed(string text) => Name.Equals(text.Replace(":", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);

    public override string ToString() => $"{Name} ({Description})";

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
