using System.Text;
using System.Text.Json;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Values;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>Miniatures of each construct of the language, with what Jinja2 3.1.6 makes of them; <c>record.py</c> wrote them down.</summary>
public sealed class CasesTests
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Text", "Jinja", "Cases");

    [Theory]
    [MemberData(nameof(Files))]
    public void Each_case_gives_what_Jinja2_gives(string file)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file + ".json")));
        JsonElement context = document.RootElement.GetProperty("context");
        var differ = new StringBuilder();
        int count = 0;
        foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            count++;
            string? wanted = item.TryGetProperty("text", out JsonElement text) ? text.GetString() : null;
            string template = item.GetProperty("template").GetString()!;
            string? given = Render(template, context, out string? error);
            if (given != wanted)
                differ.AppendLine($"{item.GetProperty("name")}: {template}\n  wanted {wanted ?? "an error"}\n  given  {given ?? error}");
        }

        Assert.True(count > 0, "the file has no cases");
        Assert.True(differ.Length == 0, differ.ToString());
    }

    private static string? Render(string template, JsonElement context, out string? error)
    {
        error = null;
        ContextSize size = default;
        var names = new ValueDict();
        foreach (JsonProperty name in context.EnumerateObject())
            names.Set(name.Name, JsonValues.Read(name.Value, ref size));
        try
        {
            return Template.Parse(template).Render(names, size, new Noon()).String;
        }
        catch (TemplateError exception)
        {
            error = exception.Message;
            return null;
        }
    }

    /// <summary>The time at which the cases were recorded.</summary>
    private sealed class Noon : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);
    }
}
