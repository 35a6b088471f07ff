using System.Runtime.InteropServices;
using VAI.Native.Handles;

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

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_backend_reg_name(nint registry);

    [LibraryImport(Libraries.GgmlBase, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint ggml_backend_reg_get_proc_address(nint registry, string name);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void ggml_threadpool_params_init(byte* parameters, int threads);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nint gguf_init_from_buffer(byte* data, nuint length, gguf_init_params parameters);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void gguf_free(nint metadata);

    [LibraryImport(Libraries.GgmlBase, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long gguf_find_tensor(GgufContextHandle metadata, string name);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void gguf_add_tensor(GgufContextHandle metadata, ggml_tensor* tensor);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nint ggml_init(ggml_init_params parameters);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void ggml_free(nint context);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nuint ggml_tensor_overhead();

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial ggml_tensor* ggml_new_tensor_4d(nint context, int type, long ne0, long ne1, long ne2, long ne3);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial ggml_tensor* ggml_mul_mat(nint context, ggml_tensor* a, ggml_tensor* b);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial ggml_tensor* ggml_mul_mat_id(nint context, ggml_tensor* a, ggml_tensor* b, ggml_tensor* ids);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_get_name(ggml_tensor* tensor);

    [LibraryImport(Libraries.GgmlBase, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial ggml_tensor* ggml_set_name(ggml_tensor* tensor, string name);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial ggml_type_traits* ggml_get_type_traits(int type);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_get_data(ggml_tensor* tensor);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nuint ggml_nbytes(ggml_tensor* tensor);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void ggml_backend_tensor_set(ggml_tensor* tensor, byte* data, nuint offset, nuint length);

    [LibraryImport(Libraries.GgmlBase)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool ggml_backend_dev_supports_op(nint device, ggml_tensor* operation);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_backend_buft_name(nint bufferType);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nuint ggml_backend_buft_get_alignment(nint bufferType);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nuint ggml_backend_buft_get_alloc_size(nint bufferType, ggml_tensor* tensor);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nint ggml_backend_dev_buffer_type(nint device);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nint ggml_backend_buft_alloc_buffer(nint bufferType, nuint length);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial void ggml_backend_buffer_free(nint buffer);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nint ggml_backend_buffer_get_type(nint buffer);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial byte* ggml_backend_buffer_get_base(nint buffer);

    [LibraryImport(Libraries.GgmlBase)]
    internal static partial nuint ggml_backend_buffer_get_size(nint buffer);
}
