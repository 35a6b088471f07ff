namespace VAI;

/// <summary>What a load is doing.</summary>
public enum LoadPhase
{
    /// <summary>Checking the file's structure.</summary>
    Checking,

    /// <summary>Reading the vocabulary and attaching, or mapping, the weights.</summary>
    Weights,

    /// <summary>Clearing the SRAM bank.</summary>
    Sram,

    /// <summary>Ready.</summary>
    Done,

    /// <summary>Burning the weights into a ROM, or waiting for a process that does; before <see cref="Weights"/>.</summary>
    Burning,
}

/// <summary>How far a load has come.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Phase">What is being done.</param>
/// <param name="Fraction">How much of this phase is done, 0 to 1.</param>
public readonly record struct LoadProgress(string Model, LoadPhase Phase, double Fraction);
