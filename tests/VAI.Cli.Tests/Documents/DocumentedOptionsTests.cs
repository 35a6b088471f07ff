using System.Text.RegularExpressions;

namespace VAI.Cli.Tests.Documents;

/// <summary>The options that pages name are there.</summary>
public sealed partial class DocumentedOptionsTests
{
    [Fact]
    public async Task An_option_of_a_page_is_one_of_its_verb()
    {
        // Pages say of vai that it is, too.
        HashSet<string> verbs = [.. Verb().Matches((await VaiProcess.RunAsync("--help")).Out).Select(m => m.Groups[1].Value)];

        // A line that goes on with the next one is one.
        var named = Directory.EnumerateFiles(Path.Combine(Documentation.Root, "docs"), "*.md")
            .Concat(["README.md", "ARCHITECTURE.md", "benchmarks/README.md", "packaging/vai.md"])
            .SelectMany(page => Line().Matches(File.ReadAllText(Path.Combine(Documentation.Root, page)).Replace("\\\n", " ", StringComparison.Ordinal)))
            .SelectMany(line => Option().Matches(line.Groups[2].Value).Select(o => (Verb: line.Groups[1].Value, Option: o.Groups[1].Value)))
            .Where(n => verbs.Contains(n.Verb.Split(' ')[0])).ToLookup(n => n.Verb, n => n.Option);
        Assert.True(named.Count > 10);
        foreach (IGrouping<string, string> verb in named)
        {
            string help = (await VaiProcess.RunAsync([.. verb.Key.Split(' '), "--help"])).Out;
            HashSet<string> known = [.. Option().Matches(help).Select(o => o.Groups[1].Value)];
            Assert.True(verb.All(known.Contains), $"vai {verb.Key} has no {string.Join(", ", verb.Except(known).Distinct())}");
        }
    }

    [GeneratedRegex("^  ([a-z]+) ", RegexOptions.Multiline)]
    private static partial Regex Verb();

    // A verb with what stands behind it, in a line of code or of a table.
    [GeneratedRegex(@"\bvai (template check|bench [a-z]+|[a-z]+)\b([^`\n|&]*)")]
    private static partial Regex Line();

    [GeneratedRegex(@"(?:^|[\s\[])(--?[a-z][\w-]*)", RegexOptions.Multiline)]
    private static partial Regex Option();
}
