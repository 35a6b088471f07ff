namespace VAI.Text.Jinja;

/// <summary>What is wrong with a template, or with a conversation for it, and in which of its lines.</summary>
/// <param name="line">From 1.</param>
/// <param name="what">What is wrong.</param>
/// <param name="isRefusal">Whether the template said so itself, by <c>raise_exception</c>.</param>
internal sealed class TemplateError(int line, string what, bool isRefusal = false) : Exception($"line {line}: {what}")
{
    /// <summary>From 1.</summary>
    public int Line { get; } = line;

    /// <summary>Without the line.</summary>
    public string What { get; } = what;

    /// <summary>Whether the template said so itself: these are its words.</summary>
    public bool IsRefusal { get; } = isRefusal;
}
