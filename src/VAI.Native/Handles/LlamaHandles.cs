using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Handles;

/// <summary>Owns what a pointer leads to; null leads to nothing.</summary>
internal abstract class PointerHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;
}

/// <summary>Owns a <c>llama_model</c>. Freed only after every context that holds a reference to it.</summary>
internal sealed class LlamaModelHandle : PointerHandle
{
    private readonly IDisposable? _overlay;

    /// <param name="model">The model.</param>
    /// <param name="overlay">What lies over its buffers; taken away before llama.cpp frees them.</param>
    public LlamaModelHandle(nint model, IDisposable? overlay = null)
    {
        _overlay = overlay;
        SetHandle(model);
    }

    protected override bool ReleaseHandle()
    {
        try
        {
            _overlay?.Dispose();
        }
        catch (VaiEngineException)
        {
            // Its buffers are still read-only: a leak is better than the fault that freeing them would be.
            return false;
        }

        LlamaNative.llama_model_free(handle);
        return true;
    }
}

/// <summary>Owns a <c>gguf_context</c>: a model's metadata, parsed by ggml.</summary>
internal sealed class GgufContextHandle : PointerHandle
{
    public GgufContextHandle(nint metadata) => SetHandle(metadata);

    protected override bool ReleaseHandle()
    {
        GgmlNative.gguf_free(handle);
        return true;
    }
}

/// <summary>Owns a <c>llama_context</c> and holds its model and its thread pool alive for as long.</summary>
internal sealed class LlamaContextHandle : PointerHandle
{
    private readonly LlamaModelHandle _model;
    private readonly bool _ownsModelReference;
    private ThreadpoolHandle? _pool;

    public LlamaContextHandle(nint context, LlamaModelHandle model)
    {
        _model = model;
        model.DangerousAddRef(ref _ownsModelReference);
        SetHandle(context);
    }

    public void Attach(ThreadpoolHandle pool)
    {
        bool held = false;
        pool.DangerousAddRef(ref held);
        LlamaNative.llama_attach_threadpool(this, pool, pool);
        ThreadpoolHandle? previous = Interlocked.Exchange(ref _pool, pool);
        previous?.DangerousRelease();
    }

    protected override bool ReleaseHandle()
    {
        LlamaNative.llama_free(handle);
        _pool?.DangerousRelease();
        if (_ownsModelReference)
            _model.DangerousRelease();
        return true;
    }
}

/// <summary>Owns a sampler chain and, through it, every sampler added to it.</summary>
internal sealed class LlamaSamplerHandle : PointerHandle
{
    public LlamaSamplerHandle(nint sampler) => SetHandle(sampler);

    protected override bool ReleaseHandle()
    {
        LlamaNative.llama_sampler_free(handle);
        return true;
    }
}

/// <summary>Owns a ggml thread pool. Its functions live in the CPU backend, so they come as pointers.</summary>
internal sealed unsafe class ThreadpoolHandle : PointerHandle
{
    private readonly delegate* unmanaged[Cdecl]<nint, void> _free;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _pause;

    /// <param name="pool">The pool.</param>
    /// <param name="free"><c>ggml_threadpool_free</c>.</param>
    /// <param name="pause"><c>ggml_threadpool_pause</c>; null if the library has none.</param>
    public ThreadpoolHandle(nint pool, delegate* unmanaged[Cdecl]<nint, void> free, delegate* unmanaged[Cdecl]<nint, void> pause)
    {
        _free = free;
        _pause = pause;
        SetHandle(pool);
    }

    /// <summary>Has its threads sleep; the next graph wakes them.</summary>
    public void Pause()
    {
        bool held = false;
        try
        {
            DangerousAddRef(ref held);
            if (_pause is not null)
                _pause(handle);
        }
        finally
        {
            if (held)
                DangerousRelease();
        }
    }

    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}
