using System.Text.Json;
using VAI.Text.Tools;

namespace VAI.Cli;

/// <summary>A file with tools, as requests to OpenAI's API have them.</summary>
internal static class ToolsFile
{
    /// <exception cref="VaiUsageException">It cannot be read, or is no array of tools.</exception>
    public static IReadOnlyList<JsonElement> Read(FileInfo file)
    {
        JsonElement tools;
        try
        {
            tools = JsonElement.Parse(File.ReadAllBytes(file.FullName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"The tools '{file}' cannot be read ({e.Message}). Give a file with a JSON array.", e);
        }

        if (tools.ValueKind != JsonValueKind.Array || tools.GetArrayLength() == 0)
            throw new VaiUsageException(VaiError.InvalidOption, $"The tools '{file}' are no JSON array of one tool or more.");
        foreach (JsonElement tool in tools.EnumerateArray())
            ToolDefinitions.Read(tool);
        return [.. tools.EnumerateArray()];
    }
}
