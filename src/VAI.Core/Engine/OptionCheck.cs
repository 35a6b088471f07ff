using System.Numerics;

namespace VAI.Engine;

/// <summary>Range checks with one wording.</summary>
internal static class OptionCheck
{
    public static void Range<T>(T value, T min, T max, string name)
        where T : INumber<T>
    {
        // Written so that NaN fails as well.
        if (!(value >= min && value <= max))
            throw Invalid($"{name} is {value}; it must be from {min} to {max}.");
    }

    public static void AboveRange(float value, float above, float max, string name)
    {
        if (!(value > above && value <= max))
            throw Invalid($"{name} is {value}; it must be above {above} and at most {max}.");
    }

    public static VaiUsageException Invalid(string message) => new(VaiError.InvalidOption, message);
}
