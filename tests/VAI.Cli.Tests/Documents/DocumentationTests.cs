using System.Text.RegularExpressions;

namespace VAI.Cli.Tests.Documents;

/// <summary>Every command of the pages runs, and what they link to is there.</summary>
public sealed partial class DocumentationTests(Forged forged) : IClassFixture<Forged>
{
    public static TheoryData<string> Pages => [.. AllPages];

    /// <summary>Those that are read and not run are among them.</summary>
    public static TheoryData<string> Linking =>
        [.. new[] { "docs", "benchmarks", "packages", "packaging", "tests" }.SelectMany(d => Directory.EnumerateFiles(
                Path.Combine(Documentation.Root, d), "*.md", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }))
            .Concat(Directory.EnumerateFiles(Documentation.Root, "*.md")).Select(f => Path.GetRelativePath(Documentation.Root, f)).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> AllPages =>
        Directory.EnumerateFiles(Path.Combine(Documentation.Root, "docs"), "*.md").Select(f => Path.GetRelativePath(Documentation.Root, f))
            .Append("README.md").Order(StringComparer.Ordinal);

    // The quickstart needs packages: tests/VAI.Package.Tests runs it.
    public static TheoryData<string> Runnable =>
        [.. AllPages.Where(p => p != "docs/quickstart.md" && Documentation.Read(p).Commands > 0)];

    [Theory]
    [MemberData(nameof(Runnable))]
    public async Task Every_command_of_a_page_runs(string page)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("vai-docs-");
        try
        {
            foreach (string model in new[] { "fast", "deep", "qwen2-1.5b" })
                File.Copy(model == "deep" ? forged.B : forged.A, Path.Combine(directory.FullName, model + ".gguf"));
            VaiRun run = await Documentation.Read(page).RunAsync(directory.FullName);
            Assert.True(run.ExitCode == 0, $"{page} failed with {run.ExitCode}:\n{run.Out}\n{run.Error}");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void What_is_not_run_says_why(string page)
    {
        var documentation = Documentation.Read(page);
        Assert.All(documentation.Reasons, r => Assert.InRange(r.Length, 10, 120));
        Assert.InRange(documentation.Reasons.Count, 0, 4);
        Assert.True(
            Console().Count(File.ReadAllText(Path.Combine(Documentation.Root, page))) <= documentation.Commands + documentation.Reasons.Count,
            $"{page} has a block of console without a command (\"$ \" before it) and without \"{Documentation.Mark}\" and a reason.");
    }

    [Theory]
    [MemberData(nameof(Linking))]
    public void What_a_page_links_to_is_there(string page)
    {
        string file = Path.Combine(Documentation.Root, page);
        string[] missing =
        [
            .. Link().Matches(File.ReadAllText(file)).Where(m => !IsThere(Target(m), m.Groups[2].Value)).Select(m => m.Value),
        ];
        Assert.Empty(missing);

        string Target(Match link) => link.Groups[1].Length == 0 ? file : Path.Combine(Path.GetDirectoryName(file)!, link.Groups[1].Value);
    }

    private static bool IsThere(string path, string heading) =>
        Path.Exists(path) && (heading.Length == 0 || File.ReadLines(path).Any(l => l.StartsWith('#') && Anchor(l) == heading));

    // As GitHub makes it.
    private static string Anchor(string line) => string.Concat(
        line.TrimStart('#').Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is '-' or '_' or ' ').Select(c => c == ' ' ? '-' : c));

    [GeneratedRegex(@"\]\(([^)#:]*)(?:#([^)]*))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("^```console$", RegexOptions.Multiline)]
    private static partial Regex Console();
}
