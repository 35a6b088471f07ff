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
        using var outline = new Outline();
        if (!outline.IsThere)
            throw new VaiEngineException(VaiError.OutOfMemory, $"There is no memory to size tensor {tensor.Name}. Free some.");
        long bytes = (long)GgmlNative.ggml_backend_buft_get_alloc_size(bufferType, outline.New(tensor));
        long alignment = (long)GgmlNative.ggml_backend_buft_get_alignment(bufferType);
        return (bytes + alignment - 1) / alignment * alignment;
    }

    /// <summary>Whether a device takes a tensor of plain rows in one piece. One that it does not take ends the process, where it is made into a cache.</summary>
    public static bool CanHold(nint device, GgmlType type, long elements, long rows)
    {
        using var outline = new Outline();
        return outline.IsThere && GgmlNative.ggml_backend_dev_supports_op(device, outline.New(type, elements, rows, 1, 1));
    }

    /// <summary>Whether a device multiplies with a tensor that lies in a buffer of a type.</summary>
    public static bool CanMultiply(nint device, nint bufferType, GgufTensor tensor, long expertsUsed)
    {
        using var outline = new Outline();
        if (!outline.IsThere)
            return false;
        nint buffer = GgmlNative.ggml_backend_buft_alloc_buffer(bufferType, 0);
        try
        {
            ggml_tensor* weight = outline.New(tensor);
            ggml_tensor* operation = tensor.Rank == 3 && tensor.Name.Contains("_exps.", StringComparison.Ordinal)
                ? GgmlNative.ggml_mul_mat_id(
                    outline.Context,
                    weight,
                    outline.New(GgmlType.F32, (long)tensor.D0, expertsUsed, Rows, 1),
                    outline.New(GgmlType.I32, expertsUsed, Rows, 1, 1))
                : GgmlNative.ggml_mul_mat(
                    outline.Context, weight, outline.New(GgmlType.F32, (long)tensor.D0, Rows, (long)tensor.D2, (long)tensor.D3));
            weight->buffer = buffer;
            return buffer != 0 && GgmlNative.ggml_backend_dev_supports_op(device, operation);
        }
        finally
        {
            if (buffer != 0)
                GgmlNative.ggml_backend_buffer_free(buffer);
        }
    }

    /// <summary>Tensors without data, and the operation on them.</summary>
    private readonly ref struct Outline
    {
        private const int Most = 8;

        public Outline() => Context = GgmlNative.ggml_init(new ggml_init_params { mem_size = GgmlNative.ggml_tensor_overhead() * Most, no_alloc = 1 });

        public nint Context { get; }

        /// <summary>Whether there was memory for it.</summary>
        public bool IsThere => Context != 0;

        public ggml_tensor* New(GgufTensor t) => New(t.Type, (long)t.D0, (long)t.D1, (long)t.D2, (long)t.D3);

        public ggml_tensor* New(GgmlType type, long d0, long d1, long d2, long d3) => GgmlNative.ggml_new_tensor_4d(Context, (int)type, d0, d1, d2, d3);

        public void Dispose()
        {
            if (IsThere)
                GgmlNative.ggml_free(Context);
        }
    }
}
