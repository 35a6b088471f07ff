using System.Text.RegularExpressions;

namespace VAI.Cli.Tests.Documents;

/// <summary>The page of what happens when (tests/VAI.Daemon.FaultTests/MATRIX.md) has each situation of each part, and the tests that it names are there.</summary>
public sealed partial class FaultMatrixTests
{
    private static readonly string[] Situations = ["killed", "stopped", "slow", "full", "cold", "hostile", "old version", "clock jump"];

    [Fact]
    public void Each_part_has_each_situation()
    {
        string[] parts = Page().Split("\n## ")[1..];
        Assert.NotEmpty(parts);
        Assert.All(parts, part =>
        {
            string[][] rows = [.. part.Split('\n').Where(l => l.StartsWith('|')).Skip(2).Select(l => l.Trim('|').Split(" | "))];
            Assert.Equal(Situations, rows.Select(r => r[0].Trim()));
            Assert.All(rows, r => Assert.True(r.Length == 3 && (TestName().IsMatch(r[2]) || Reason().IsMatch(r[2])), string.Join(" | ", r)));
        });
    }

    [Fact]
    public void Each_test_that_is_named_is_there()
    {
        var tests = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Documentation.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories))
        {
            foreach (Match method in Method().Matches(File.ReadAllText(file)))
                tests.Add($"{Path.GetFileNameWithoutExtension(file)}.{method.Groups[1].Value}");
        }

        string[] missing = [.. TestName().Matches(Page()).Select(m => m.Groups[1].Value).Where(name => !tests.Contains(name)).Distinct()];
        Assert.True(missing.Length == 0, $"MATRIX.md of VAI.Daemon.FaultTests names tests that are not there: {string.Join(", ", missing)}. Give it their new names.");
    }

    private static string Page() => File.ReadAllText(Path.Combine(Documentation.Root, "tests", "VAI.Daemon.FaultTests", "MATRIX.md"));

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^\s*none: \S.{9,}")]
    private static partial Regex Reason();

    [GeneratedRegex(@"^    public (?:async )?(?:Task|void) (\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Method();
}
