using VAI.Native.Gguf;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>What a backend says of a tensor that is not there yet.</summary>
internal static unsafe class TensorProbe
{
    // What weight_buft_supported of llama.cpp asks about: the operation on this many rows.
    private const long Rows = 512;

    /// <summary>What a tensor takes in a buffer of a type, as llama.cpp fills it: every tensor aligned, one after the other.</summary>
    public static long BytesIn(nint bufferType, GgufTensor tensor)
    {
        nint context = GgmlNative.ggml_init(new ggml_init_params { mem_size = GgmlNative.ggml_tensor_overhead() * 2, no_alloc = 1 });
        if (context == 0)
            throw new VaiEngineException(VaiError.OutOfMemory, $"There is no memory to size tensor {tensor.Name}. Free some.");
        try
        {
            long bytes = (long)GgmlNative.ggml_backend_buft_get_alloc_size(bufferType, GgmlNative.ggml_new_tensor_4d(
                context, (int)tensor.Type, (long)tensor.D0, (long)tensor.D1, (long)tensor.D2, (long)tensor.D3));
            long alignment = (long)GgmlNative.ggml_backend_buft_get_alignment(bufferType);
            return (bytes + alignment - 1) / alignment * alignment;
        }
        finally
        {
            GgmlNative.ggml_free(context);
        }
    }

    /// <summary>Whether a device takes a tensor of plain rows in one piece. One that it does not take ends the process, where it is made into a cache.</summary>
    public static bool CanHold(nint device, GgmlType type, long elements, long rows)
    {
        nint context = GgmlNative.ggml_init(new ggml_init_params { mem_size = GgmlNative.ggml_tensor_overhead() * 2, no_alloc = 1 });
        if (context == 0)
            return false;
        try
        {
            return GgmlNative.ggml_backend_dev_supports_op(device, GgmlNative.ggml_new_tensor_4d(context, (int)type, elements, rows, 1, 1));
        }
        finally
        {
            GgmlNative.ggml_free(context);
        }
    }

    /// <summary>Whether a device multiplies with a tensor that lies in a buffer of a type.</summary>
    public static bool CanMultiply(nint device, nint bufferType, GgufTensor tensor, long expertsUsed)
    {
        nint context = GgmlNative.ggml_init(new ggml_init_params { mem_size = GgmlNative.ggml_tensor_overhead() * 8, no_alloc = 1 });
        if (context == 0)
            return false;
        nint buffer = GgmlNative.ggml_backend_buft_alloc_buffer(bufferType, 0);
        try
        {
            ggml_tensor* weight = New(tensor.Type, (long)tensor.D0, (long)tensor.D1, (long)tensor.D2, (long)tensor.D3);
            ggml_tensor* operation = tensor.Rank == 3 && tensor.Name.Contains("_exps.", StringComparison.Ordinal)
                ? GgmlNative.ggml_mul_mat_id(
                    context, weight, New(GgmlType.F32, (long)tensor.D0, expertsUsed, Rows, 1), New(GgmlType.I32, expertsUsed, Rows, 1, 1))
                : GgmlNative.ggml_mul_mat(
                    context, weight, New(GgmlType.F32, (long)tensor.D0, Rows, (long)tensor.D2, (long)tensor.D3));
            weight->buffer = buffer;
            return buffer != 0 && GgmlNative.ggml_backend_dev_supports_op(device, operation);
        }
        finally
        {
            if (buffer != 0)
                GgmlNative.ggml_backend_buffer_free(buffer);
            GgmlNative.ggml_free(context);
        }

        ggml_tensor* New(GgmlType type, long d0, long d1, long d2, long d3) =>
            GgmlNative.ggml_new_tensor_4d(context, (int)type, d0, d1, d2, d3);
    }
}
