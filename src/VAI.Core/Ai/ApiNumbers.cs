namespace VAI.Ai;

/// <summary>What the numbers of other APIs are to the sampler.</summary>
internal static class ApiNumbers
{
    /// <summary>What a top-p of 0 means there: llama.cpp keeps one token at least, and the engine takes no zero.</summary>
    public const float LeastTopP = 1e-6f;

    /// <summary>Seeds have 64 bits there and 32 here. Small ones, of either sign, stay different from each other.</summary>
    public static uint Seed(long seed) => unchecked((uint)(seed ^ (seed >> 32)));
}
