namespace VAI.Forge;

/// <summary>How the matrices of a forged model are stored. Vectors (norms, biases) are always 32-bit floats.</summary>
/// <remarks>
/// A matrix whose rows are no multiple of 256 values cannot be <see cref="Q4_K"/>: it becomes <see cref="Q8_0"/>, and
/// <see cref="F16"/> where its rows are no multiple of 32 either. No built-in shape needs this. Router, position and
/// token-type matrices stay 32-bit floats, as llama.cpp's own quantizer leaves them.
/// </remarks>
public enum ForgeType
{
    /// <summary>4.5 bits per weight, in super-blocks of 256; a separate output matrix is Q6_K, as in published files.</summary>
    Q4_K,

    /// <summary>4.5 bits per weight, in blocks of 32.</summary>
    Q4_0,

    /// <summary>8.5 bits per weight, in blocks of 32.</summary>
    Q8_0,

    /// <summary>16-bit floats.</summary>
    F16,
}
