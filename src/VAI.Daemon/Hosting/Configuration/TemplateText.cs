namespace VAI.Daemon.Hosting.Configuration;

/// <summary>A chat template that is named on a command line or in a configuration file.</summary>
internal static class TemplateText
{
    private const int MostBytes = 4 << 20;

    /// <summary>The text of a file, where there is one of that name; a template's text as it is; else a name, which is that of another template of the model's.</summary>
    /// <param name="fileOrName">The one or the other.</param>
    /// <param name="directory">What a relative path begins at; null for the current directory.</param>
    /// <exception cref="VaiUsageException">The file cannot be read, or there is none of what can only be its path.</exception>
    public static string Of(string fileOrName, string? directory = null)
    {
        string file = directory is null ? fileOrName : Path.GetFullPath(fileOrName, directory);
        try
        {
            if (File.Exists(file))
            {
                return new FileInfo(file).Length <= MostBytes
                    ? File.ReadAllText(file)
                    : throw new VaiUsageException(VaiError.InvalidChatTemplate, $"'{file}' has more than {MostBytes} bytes, and is no chat template.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"'{file}' cannot be read: {e.Message}", e);
        }

        // Names of templates have neither, so that a path that is mistyped does not become one; a template's text, or a document's, may have both.
        return !fileOrName.Contains('{', StringComparison.Ordinal) && (fileOrName.Contains('/', StringComparison.Ordinal) || Path.HasExtension(fileOrName))
            ? throw new VaiUsageException(VaiError.FileNotFound, $"'{file}' is no file. Check the path.")
            : fileOrName;
    }
}
