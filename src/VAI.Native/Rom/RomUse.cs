using Microsoft.Win32.SafeHandles;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>What the kernel says of an image: who is attached, and how it lies in memory.</summary>
/// <param name="Leases">On it.</param>
/// <param name="Sessions">Of the leases.</param>
/// <param name="HugePages">Which part of it is in huge pages, 0 to 1; null where that is not known.</param>
internal readonly record struct RomUse(int Leases, int Sessions, double? HugePages)
{
    /// <summary>Of an image; of none where there is none.</summary>
    /// <param name="image">Its path.</param>
    /// <param name="sampler">Null where it is not in memory.</param>
    public static RomUse Of(string image, HugePageSampler? sampler)
    {
        using SafeFileHandle? file = RomUsers.Open(image);
        if (file is null)
            return default;
        (int leases, int sessions) = RomUsers.Count(file);
        return new RomUse(leases, sessions, sampler?.PartOf(file));
    }

    /// <summary>Of one image alone.</summary>
    /// <param name="image">Its path.</param>
    /// <param name="inMemory">Whether it is in memory.</param>
    public static RomUse Of(string image, bool inMemory)
    {
        using HugePageSampler? sampler = inMemory ? HugePageSampler.TryOpen() : null;
        return Of(image, sampler);
    }
}
