using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>
/// A parameter struct of unknown layout: larger than any known one, filled by <c>*_default_params()</c>, changed at the
/// offsets of an <see cref="Abi.AbiTable"/> and passed by value. The callee reads only the bytes of its own layout.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal struct ParamsBlob
{
    internal const int SizeInBytes = 256;

    private long _first;

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    internal Span<byte> Bytes => MemoryMarshal.CreateSpan(ref Unsafe.As<long, byte>(ref _first), SizeInBytes);

    internal void Set<T>(int offset, T value)
        where T : unmanaged => MemoryMarshal.Write(Bytes[offset..], in value);

    internal T Get<T>(int offset)
        where T : unmanaged => MemoryMarshal.Read<T>(Bytes[offset..]);
}

/// <summary><c>llama_batch</c>: the only struct of the C API whose layout has not moved.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_batch
{
    internal int n_tokens;
    internal int* token;
    internal float* embd;
    internal int* pos;
    internal int* n_seq_id;
    internal int** seq_id;
    internal byte* logits;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_sampler_chain_params
{
    internal byte no_perf;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_token_data
{
    internal int id;
    internal float logit;
    internal float p;
}

/// <summary><c>llama_token_data_array</c>: what a sampler chain narrows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_token_data_array
{
    internal llama_token_data* data;
    internal nuint size;
    internal long selected;
    internal byte sorted;
}

[StructLayout(LayoutKind.Sequential)]
internal struct gguf_init_params
{
    internal byte no_alloc;
    internal nint ctx;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ggml_init_params
{
    internal nuint mem_size;
    internal nint mem_buffer;
    internal byte no_alloc;
}

/// <summary>
/// The fields of <c>ggml_tensor</c> that have no accessor, or none that writes. A load checks the first against the tensor's data, and the
/// second against its accessor.
/// </summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct ggml_tensor
{
    [FieldOffset(8)]
    internal nint buffer;

    [FieldOffset(248)]
    internal byte* data;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_model_tensor_buft_override
{
    internal nint pattern;
    internal nint buft;
}

/// <summary>The head of <c>ggml_type_traits</c>; the sizes are checked before the function is called.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ggml_type_traits
{
    internal byte* type_name;
    internal long blck_size;
    internal long blck_size_interleave;
    internal nuint type_size;
    internal byte is_quantized;
    internal delegate* unmanaged[Cdecl]<byte*, float*, long, void> to_float;
}
