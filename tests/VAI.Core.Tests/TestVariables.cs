using System.Globalization;

namespace VAI.Core.Tests;

/// <summary>Numbers that the environment gives a run: how much is tried, and what a random test is repeated with.</summary>
internal static class TestVariables
{
    /// <summary><c>VAI_TEST_SEED</c>, or one that is drawn.</summary>
    public static int Seed() => Number("VAI_TEST_SEED") ?? Random.Shared.Next();

    /// <summary><c>VAI_TEST_DRAWS</c>, or another number.</summary>
    public static int Draws(int otherwise) => Number("VAI_TEST_DRAWS") ?? otherwise;

    /// <summary>A variable's; null where it has none.</summary>
    public static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out int number) ? number : null;
}
