using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>A tensor of a model that is being made; valid from its visit on for as long as the model.</summary>
internal readonly unsafe struct LlamaTensor(ggml_tensor* tensor)
{
    public string Name => Marshal.PtrToStringUTF8((nint)GgmlNative.ggml_get_name(tensor)) ?? "";

    /// <summary>Length of its data in the layout of the file.</summary>
    public long Bytes => (long)GgmlNative.ggml_nbytes(tensor);

    public byte* Data => GgmlNative.ggml_get_data(tensor);

    public LlamaBuffer Buffer => new(tensor->buffer);

    /// <summary>Where its data starts in its buffer.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.UnknownAbi"/>: the buffer does not hold the data.</exception>
    public long OffsetInBuffer
    {
        get
        {
            LlamaBuffer buffer = Buffer;
            long offset = GgmlNative.ggml_get_data(tensor) - buffer.Start;
            return offset >= 0 && offset + Bytes <= buffer.Length
                ? offset
                : throw new VaiEngineException(
                    VaiError.UnknownAbi,
                    $"Tensor {Name} is not inside its buffer: this libllama lays ggml_tensor out in an unknown way. Use a build VAI knows.");
        }
    }

    /// <summary>Has llama.cpp read it elsewhere. Its buffer keeps its kind, by which kernels are chosen, and is not read for it any more.</summary>
    /// <param name="data">The same bytes as the buffer would have, for as long as the model.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.UnknownAbi"/>: nothing was changed.</exception>
    public void MoveTo(byte* data)
    {
        byte* before = Data;
        if (tensor->data == before)
        {
            tensor->data = data;
            if (Data == data)
                return;
            tensor->data = before;
        }

        throw new VaiEngineException(
            VaiError.UnknownAbi, $"The data of tensor {Name} is not where VAI looks for it: this libllama lays ggml_tensor out in an unknown way. Use a build VAI knows.");
    }

    /// <summary>Sets the data, given in the layout of the file; the buffer packs it if that is its kind.</summary>
    public void Set(byte* data) => GgmlNative.ggml_backend_tensor_set(tensor, data, 0, (nuint)Bytes);
}

/// <summary>The memory of some of a model's tensors.</summary>
internal readonly unsafe record struct LlamaBuffer(nint Handle)
{
    // Not public: a record prints what is, and the AOT compiler cannot print a pointer.
    internal byte* Start => GgmlNative.ggml_backend_buffer_get_base(Handle);

    public long Length => (long)GgmlNative.ggml_backend_buffer_get_size(Handle);

    /// <summary>Its kind, for example <c>CPU</c> or <c>CPU_REPACK</c>.</summary>
    public string Type => Marshal.PtrToStringUTF8(
        (nint)GgmlNative.ggml_backend_buft_name(GgmlNative.ggml_backend_buffer_get_type(Handle))) ?? "";
}

/// <summary>Tensors that go into one of the CPU's packing buffer types.</summary>
/// <param name="Pattern">A regular expression (ECMAScript, as std::regex has it) over their names.</param>
/// <param name="BufferType">ggml's buffer type.</param>
/// <param name="BufferTypeName">Its name.</param>
internal sealed record PackedTensors(string Pattern, nint BufferType, string BufferTypeName);
