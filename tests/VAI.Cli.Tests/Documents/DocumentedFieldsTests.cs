using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using VAI.Daemon.Hosting.Configuration;

namespace VAI.Cli.Tests.Documents;

/// <summary>The page about the HTTP API and the document that the daemon serves name the same fields, and so do that about deployment and the daemon.</summary>
public sealed partial class DocumentedFieldsTests
{
    [Theory]
    [InlineData("## Generation", "ChatRequest")]
    [InlineData("### Chat", "ChatRequest")]
    [InlineData("### Text completions", "CompletionRequest")]
    [InlineData("## Embeddings", "EmbeddingRequest")]
    public void A_field_of_the_page_is_in_the_document(string section, string schema)
    {
        HashSet<string> known = [.. OfDocument(schema), .. OfDocument("Message")];
        string[] fields = OfPage(section);
        Assert.NotEmpty(fields);
        string[] missing = [.. fields.Except(known)];
        Assert.True(missing.Length == 0, $"{schema} of src/VAI.Daemon/OpenAi/openapi.json lacks {string.Join(", ", missing)}, which docs/api.md has.");
    }

    [Theory]
    [InlineData("ChatRequest", "## Generation", "### Chat")]
    [InlineData("CompletionRequest", "## Generation", "### Text completions")]
    [InlineData("EmbeddingRequest", "## Embeddings")]
    public void A_field_of_the_document_is_on_the_page(string schema, params string[] sections)
    {
        string[] missing = [.. OfDocument(schema).Except(sections.SelectMany(OfPage))];
        Assert.True(missing.Length == 0, $"docs/api.md, under {string.Join(" or ", sections)}, lacks {string.Join(", ", missing)}, which openapi.json has.");
    }

    [Fact]
    public void A_key_of_the_page_is_one_of_the_configuration_and_each_is_there()
    {
        // Which there are is said where one is not known.
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """{"no": 1}""");
            string said = Assert.Throws<VaiUsageException>(() => ServeFile.Read(file)).Message;
            string[] known = said[(said.IndexOf("Known: ", StringComparison.Ordinal) + 7)..].TrimEnd('.').Split(", ");

            // One table: what stands behind an empty line is no part of it.
            IEnumerable<string> keys = File.ReadLines(Path.Combine(Documentation.Root, "docs", "deployment.md"))
                .SkipWhile(l => l != "| key | is |").TakeWhile(l => l.StartsWith('|')).Where(l => l.StartsWith("| `", StringComparison.Ordinal))
                .SelectMany(l => Key().Matches(l.Split('|')[1]).Select(m => m.Groups[1].Value));
            Assert.Equal(known.Order(StringComparer.Ordinal), keys.Order(StringComparer.Ordinal));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string[] OfPage(string section) =>
    [
        .. File.ReadLines(Path.Combine(Documentation.Root, "docs", "api.md"))
            .SkipWhile(l => !l.StartsWith(section, StringComparison.Ordinal)).Skip(1).TakeWhile(l => !l.StartsWith('#'))
            .Where(l => l.StartsWith("| `", StringComparison.Ordinal) && !l.EndsWith("| refused |", StringComparison.Ordinal))
            .SelectMany(l => Field().Matches(l.Split('|')[1]).Select(m => m.Groups[1].Value)),
    ];

    private static string[] OfDocument(string schema)
    {
        using Stream stream = Assembly.Load("VAI.Daemon").GetManifestResourceStream("openapi.json")!;
        using var document = JsonDocument.Parse(stream);
        JsonElement schemas = document.RootElement.GetProperty("components").GetProperty("schemas");
        return [.. schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(p => p.Name)];
    }

    // The name before a dot: what is within an object is its own.
    [GeneratedRegex("`([a-z_]+)(?:\\.[a-z_]+)*`")]
    private static partial Regex Field();

    [GeneratedRegex("`([a-zA-Z]+)`")]
    private static partial Regex Key();
}
