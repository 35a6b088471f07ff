namespace VAI;

/// <summary>What a burn is doing.</summary>
public enum RomBurnPhase
{
    /// <summary>Waiting for another process that burns the same.</summary>
    Waiting,

    /// <summary>Reading the source, whose digest names the ROM.</summary>
    Digesting,

    /// <summary>Writing the image.</summary>
    Filling,

    /// <summary>Taking the image's digest.</summary>
    Sealing,

    /// <summary>Comparing what it computes with llama.cpp's own load of the source.</summary>
    Verifying,
}

/// <summary>How far a burn has come.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="Bytes">Bytes of this phase that are done.</param>
/// <param name="TotalBytes">All bytes of this phase.</param>
/// <param name="Fraction">How much of the whole burn is done, 0 to 1.</param>
/// <param name="TimeLeft">What the rest will take, judged by what is done; null while there is nothing to judge by.</param>
public readonly record struct RomBurnProgress(RomBurnPhase Phase, long Bytes, long TotalBytes, double Fraction, TimeSpan? TimeLeft);
