using System.Runtime.InteropServices;
using VAI.Native.Handles;

namespace VAI.Native.Interop;

/// <summary>libllama's C functions under their own names (llama.cpp <c>include/llama.h</c>).</summary>
/// <remarks>Nothing here checks an argument: callers go through <c>VAI.Native.Llama</c>, which does.</remarks>
internal static unsafe partial class LlamaNative
{
    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_backend_init();

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_log_set(delegate* unmanaged[Cdecl]<int, byte*, void*, void> callback, void* data);

    [LibraryImport(Libraries.Llama)]
    internal static partial byte* llama_print_system_info();

    [LibraryImport(Libraries.Llama)]
    internal static partial nuint llama_max_devices();

    [LibraryImport(Libraries.Llama)]
    internal static partial nuint llama_max_parallel_sequences();

    [LibraryImport(Libraries.Llama)]
    internal static partial ParamsBlob llama_model_default_params();

    [LibraryImport(Libraries.Llama)]
    internal static partial ParamsBlob llama_context_default_params();

    [LibraryImport(Libraries.Llama, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint llama_model_load_from_file(string path, ParamsBlob parameters);

    /// <summary>Loads the GGUF that starts where the C stream stands; weights are mapped, so the stream may then be closed.</summary>
    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_model_load_from_file_ptr(nint stream, ParamsBlob parameters);

    /// <summary>Makes a model of metadata alone; the callback is to set each tensor's data.</summary>
    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_model_init_from_user(
        GgufContextHandle metadata, delegate* unmanaged[Cdecl]<nint, nint, void> setTensorData, nint data, ParamsBlob parameters);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_model_free(nint model);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_model_get_vocab(LlamaModelHandle model);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_model_n_embd(LlamaModelHandle model);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_init_from_model(LlamaModelHandle model, ParamsBlob parameters);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_free(nint context);

    [LibraryImport(Libraries.Llama)]
    internal static partial uint llama_n_ctx(LlamaContextHandle context);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_get_memory(LlamaContextHandle context);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_pooling_type(LlamaContextHandle context);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_set_n_threads(LlamaContextHandle context, int threads, int threadsBatch);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_attach_threadpool(LlamaContextHandle context, ThreadpoolHandle pool, ThreadpoolHandle batchPool);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_decode(LlamaContextHandle context, llama_batch batch);

    [LibraryImport(Libraries.Llama)]
    internal static partial float* llama_get_logits_ith(LlamaContextHandle context, int index);

    [LibraryImport(Libraries.Llama)]
    internal static partial float* llama_get_embeddings_seq(LlamaContextHandle context, int sequence);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_memory_clear(nint memory, [MarshalAs(UnmanagedType.U1)] bool data);

    [LibraryImport(Libraries.Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_memory_seq_rm(nint memory, int sequence, int from, int to);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_memory_seq_pos_max(nint memory, int sequence);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_memory_seq_pos_min(nint memory, int sequence);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_memory_seq_cp(nint memory, int source, int target, int from, int to);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_model_n_swa(LlamaModelHandle model);

    [LibraryImport(Libraries.Llama)]
    internal static partial nuint llama_state_seq_get_size(LlamaContextHandle context, int sequence);

    [LibraryImport(Libraries.Llama)]
    internal static partial nuint llama_state_seq_get_data(LlamaContextHandle context, byte* to, nuint size, int sequence);

    [LibraryImport(Libraries.Llama)]
    internal static partial nuint llama_state_seq_set_data(LlamaContextHandle context, byte* from, nuint size, int sequence);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_set_abort_callback(
        LlamaContextHandle context, delegate* unmanaged[Cdecl]<nint, byte> callback, nint data);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_vocab_n_tokens(nint vocab);

    [LibraryImport(Libraries.Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_is_eog(nint vocab, int token);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_vocab_get_text(nint vocab, int token);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_vocab_get_attr(nint vocab, int token);

    [LibraryImport(Libraries.Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_get_add_bos(nint vocab);

    [LibraryImport(Libraries.Llama, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int llama_model_meta_val_str(LlamaModelHandle model, string key, byte* buffer, nuint size);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_tokenize(
        nint vocab,
        byte* text,
        int textLength,
        int* tokens,
        int capacity,
        [MarshalAs(UnmanagedType.U1)] bool addSpecial,
        [MarshalAs(UnmanagedType.U1)] bool parseSpecial);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_token_to_piece(
        nint vocab, int token, byte* buffer, int length, int stripLeading, [MarshalAs(UnmanagedType.U1)] bool special);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_chain_init(llama_sampler_chain_params parameters);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_sampler_chain_add(LlamaSamplerHandle chain, nint sampler);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_greedy();

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_top_k(int k);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_top_p(float p, nuint minKeep);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_min_p(float p, nuint minKeep);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_typical(float p, nuint minKeep);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_temp(float temperature);

    // The same function before and after b10361, which put the vocabulary's size in front (seen in the disassembly).
    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_penalties(int lastN, float repeat, float frequency, float presence);

    [LibraryImport(Libraries.Llama)]
    internal static partial nint llama_sampler_init_penalties(
        int vocabulary, int lastN, float repeat, float frequency, float presence);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_sampler_accept(LlamaSamplerHandle sampler, int token);

    [LibraryImport(Libraries.Llama)]
    internal static partial int llama_sampler_sample(LlamaSamplerHandle sampler, LlamaContextHandle context, int index);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_sampler_apply(LlamaSamplerHandle sampler, ref llama_token_data_array candidates);

    [LibraryImport(Libraries.Llama)]
    internal static partial void llama_sampler_free(nint sampler);
}
