namespace VAI.Native.Gguf;

/// <summary>
/// Bounds on what a file may hold. They sit well above every published model and keep the cost of a hostile file under
/// 50 ms and 64 MB, here and in llama.cpp.
/// </summary>
internal static class GgufLimits
{
    /// <summary>
    /// Metadata keys. Models have under a hundred. llama.cpp compares each key with all before it: 34 million short
    /// comparisons at this bound, seconds at ten times as many.
    /// </summary>
    public const int MaxKeys = 8192;

    /// <summary>Tensors. Models have up to about two thousand; llama.cpp compares all pairs of names here too.</summary>
    public const int MaxTensors = 16384;

    /// <summary>Bytes in a key; the specification says 2^16 - 1.</summary>
    public const int MaxKeyBytes = 65535;

    /// <summary>Bytes in all keys together: keys are kept as strings, two bytes a character.</summary>
    public const int MaxAllKeyBytes = 4 << 20;

    /// <summary>Bytes in a tensor name: GGML_MAX_NAME less the NUL.</summary>
    public const int MaxTensorNameBytes = 63;

    /// <summary>Dimensions of a tensor: GGML_MAX_DIMS.</summary>
    public const int MaxDimensions = 4;

    /// <summary>
    /// Bytes before the tensor data. A vocabulary of 262,144 tokens with scores, types and merges takes about 20 MB.
    /// </summary>
    public const int MaxHeaderBytes = 64 << 20;

    /// <summary>Bytes in a string that is read as one (a name, a chat template).</summary>
    public const int MaxTextBytes = 1 << 20;

    /// <summary>Alignment of tensor data in bytes where the file does not say.</summary>
    public const uint DefaultAlignment = 32;

    /// <summary>The specification wants a multiple of 8.</summary>
    public const uint MinAlignment = 8;

    /// <summary>The largest page size in use is 64 KiB; nothing aligns further than a huge page.</summary>
    public const uint MaxAlignment = 2 << 20;
}
