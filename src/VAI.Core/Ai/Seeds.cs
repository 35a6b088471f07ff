namespace VAI.Ai;

/// <summary>The seeds of APIs have 64 bits, the sampler's 32.</summary>
internal static class Seeds
{
    /// <summary>Small seeds, of either sign, stay different from each other.</summary>
    public static uint Fold(long seed) => unchecked((uint)(seed ^ (seed >> 32)));
}
