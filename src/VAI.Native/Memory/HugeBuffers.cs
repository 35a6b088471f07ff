using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Has llama.cpp's large buffers in main memory, KV caches and scratch, in huge pages. llama.cpp clears a cache as it makes it, and so has each of its
/// pages one by one before a model is there: of a cache of 2 GB half a million, up to 12 us each on a virtual machine. A step is not faster for it.
/// </summary>
/// <remarks>
/// llama.cpp allocates by a table of functions for each type of buffer (<c>ggml-backend-impl.h</c>), and this puts one of its own in front of that
/// of main memory, which calls the one that was there and then advises the kernel. Where the table is not what is known of it nothing is changed,
/// nor where the kernel gives no huge pages to who asks.
/// </remarks>
internal static unsafe class HugeBuffers
{
    // Of less a page that is not whole is a large part, and there are few pages to save.
    private const long Least = 4 * HugePages.Bytes;
    private const int CpuDevice = 0;
    private const string CpuName = "CPU";

    private static delegate* unmanaged[Cdecl]<nint, nuint, nint> _allocate;

    /// <summary>Whether it has been done.</summary>
    public static bool Are => _allocate != null;

    /// <summary>Does it. Called once, when llama.cpp is loaded, before it allocates.</summary>
    public static void Begin()
    {
        if (_allocate != null || !HugePages.AreAdvised)
            return;
        nint device = GgmlNative.ggml_backend_dev_by_type(CpuDevice);
        nint type = device == 0 ? 0 : GgmlNative.ggml_backend_dev_buffer_type(device);
        if (type == 0 || !IsKnown((ggml_backend_buffer_type*)type))
            return;
        var table = (ggml_backend_buffer_type*)type;
        _allocate = table->alloc_buffer;
        table->alloc_buffer = &Allocate;
    }

    // Nothing of it is called, or written to, before it is what it has to be.
    private static bool IsKnown(ggml_backend_buffer_type* table) =>
        ProcessMaps.Allows((nint)table, sizeof(ggml_backend_buffer_type), 'w')
        && IsCode(table->get_name) && IsCode(table->alloc_buffer) && IsCode(table->get_alignment) && IsCode(table->is_host)
        && Marshal.PtrToStringUTF8((nint)table->get_name((nint)table)) == CpuName
        && table->get_alignment((nint)table) == GgmlNative.ggml_backend_buft_get_alignment((nint)table)
        && table->is_host((nint)table) == 1;

    private static bool IsCode(void* function) => ProcessMaps.Allows((nint)function, 1, 'x');

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Allocate(nint type, nuint length)
    {
        nint buffer = _allocate(type, length);
        if (buffer != 0 && length >= (nuint)Least)
            HugePages.Advise((nint)GgmlNative.ggml_backend_buffer_get_base(buffer), (nint)length);
        return buffer;
    }
}
