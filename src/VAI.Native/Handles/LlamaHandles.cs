using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Handles;

/// <summary>Owns a <c>llama_model</c>. Freed only after every context that holds a reference to it.</summary>
internal sealed class LlamaModelHandle : SafeHandle
{
    private readonly IDisposable? _overlay;

    /// <param name="model">The model.</param>
    /// <param name="overlay">What lies over its buffers; taken away before llama.cpp frees them.</param>
    public LlamaModelHandle(nint model, IDisposable? overlay = null)
        : base(0, ownsHandle: true)
    {
        _overlay = overlay;
        SetHandle(model);
    }

    public override bool IsInvalid => handle == 0;

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
internal sealed class GgufContextHandle : SafeHandle
{
    public GgufContextHandle(nint metadata)
        : base(0, ownsHandle: true) => SetHandle(metadata);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        GgmlNative.gguf_free(handle);
        return true;
    }
}

/// <summary>Owns a <c>llama_context</c> and holds its model and its thread pool alive for as long.</summary>
internal sealed class LlamaContextHandle : SafeHandle
{
    private readonly LlamaModelHandle _model;
    private readonly bool _ownsModelReference;
    private ThreadpoolHandle? _pool;

    public LlamaContextHandle(nint context, LlamaModelHandle model)
        : base(0, ownsHandle: true)
    {
        _model = model;
        model.DangerousAddRef(ref _ownsModelReference);
        SetHandle(context);
    }

    public override bool IsInvalid => handle == 0;

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
internal sealed class LlamaSamplerHandle : SafeHandle
{
    public LlamaSamplerHandle(nint sampler)
        : base(0, ownsHandle: true) => SetHandle(sampler);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LlamaNative.llama_sampler_free(handle);
        return true;
    }
}

/// <summary>Owns a ggml thread pool. Its functions live in the CPU backend, so they come as pointers.</summary>
internal sealed unsafe class ThreadpoolHandle : SafeHandle
{
    private readonly delegate* unmanaged[Cdecl]<nint, void> _free;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _pause;

    /// <param name="pool">The pool.</param>
    /// <param name="free"><c>ggml_threadpool_free</c>.</param>
    /// <param name="pause"><c>ggml_threadpool_pause</c>; null if the library has none.</param>
    public ThreadpoolHandle(nint pool, delegate* unmanaged[Cdecl]<nint, void> free, delegate* unmanaged[Cdecl]<nint, void> pause)
        : base(0, ownsHandle: true)
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

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}
