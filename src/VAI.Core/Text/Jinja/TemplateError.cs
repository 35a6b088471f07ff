namespace VAI.Text.Jinja;

/// <summary>What is wrong with a template, and in which of its lines.</summary>
internal sealed class TemplateError(int line, string what) : Exception($"line {line}: {what}")
{
    /// <summary>From 1.</summary>
    public int Line { get; } = line;
}
