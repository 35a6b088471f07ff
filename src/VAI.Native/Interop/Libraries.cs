namespace VAI.Native.Interop;

/// <summary>The names the imports are declared under. <see cref="Abi.NativeLoader"/> maps each to the file it found.</summary>
internal static class Libraries
{
    internal const string Llama = "llama";
    internal const string Ggml = "ggml";
    internal const string GgmlBase = "ggml-base";
    internal const string Libc = "libc.so.6";
}
