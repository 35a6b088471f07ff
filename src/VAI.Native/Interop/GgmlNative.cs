using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>The functions of libggml and libggml-base that VAI calls (<c>ggml-backend.h</c>, <c>ggml.h</c>).</summary>
internal static unsafe partial class GgmlNative
{
    [LibraryImport(Libraries.Ggml, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void ggml_backend_load_all_from_path(string directory);

    [LibraryImport(Libraries.Ggml)]
    internal static partial nuint ggml_backend_dev_count();

    [LibraryImport(Libraries.Ggml)]
    internal static partial nint ggml_backend_dev_get(nuint index);

    [LibraryImport(Libraries.Ggml)]
    internal static partial nint ggml_backend_dev_by_type(int type);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_backend_dev_name(nint device);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_backend_dev_description(nint device);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void ggml_backend_dev_memory(nint device, nuint* free, nuint* total);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial int ggml_backend_dev_type(nint device);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nint ggml_backend_dev_backend_reg(nint device);

    [LibraryImport(Libraries.GgmlBase, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint ggml_backend_reg_get_proc_address(nint registry, string name);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void ggml_threadpool_params_init(byte* parameters, int threads);
}
