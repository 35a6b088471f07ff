namespace VAI;

/// <summary>How a model's weights are held. The values are in images and in the registry: they do not change.</summary>
public enum RomProfile : byte
{
    /// <summary>
    /// In a ROM, in the layout of this CPU's kernels where that gives the same bits as llama.cpp's own load; plain where it does not.
    /// </summary>
    Fast = 0,

    /// <summary>
    /// In a ROM: burned with this it is in the layout of the file. A model that is loaded with this takes such a ROM if there is one, and else
    /// that of <see cref="Fast"/>, and computes so that the same transaction gives the same tokens whatever runs beside it.
    /// </summary>
    Exact = 1,

    /// <summary>Without a ROM: the file itself is mapped.</summary>
    None = 2,
}
