namespace VAI.Native.Registry.Entries;

/// <summary>What has become of the ROM that an entry names. Values are stored: never change one.</summary>
internal enum RomState : byte
{
    /// <summary>The entry names none.</summary>
    Free = 0,

    /// <summary>Its owner is writing the image.</summary>
    Burning = 1,

    /// <summary>The image is sealed.</summary>
    Ready = 2,

    /// <summary>Its owner is deleting the image.</summary>
    Evicting = 3,
}
