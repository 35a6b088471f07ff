namespace VAI.Cli;

/// <summary>A chat template that is named on the command line.</summary>
internal static class TemplateText
{
    private const int MostBytes = 4 << 20;

    /// <summary>The text of a file, where there is one of that name; else the name, which is that of another template of the model's.</summary>
    /// <exception cref="VaiUsageException">The file cannot be read.</exception>
    public static string Of(string fileOrName)
    {
        if (!File.Exists(fileOrName))
            return fileOrName;
        try
        {
            return new FileInfo(fileOrName).Length <= MostBytes
                ? File.ReadAllText(fileOrName)
                : throw new VaiUsageException(VaiError.InvalidChatTemplate, $"'{fileOrName}' has more than {MostBytes} bytes, and is no chat template.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"'{fileOrName}' cannot be read: {e.Message}", e);
        }
    }
}
