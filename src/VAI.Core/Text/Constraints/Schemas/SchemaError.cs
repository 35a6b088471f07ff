namespace VAI.Text.Constraints.Schemas;

/// <summary>What of a schema cannot be held, and where it stands.</summary>
/// <param name="pointer">Of the keyword: a JSON pointer (RFC 6901) as a fragment.</param>
/// <param name="what">What is wrong with it.</param>
internal sealed class SchemaError(string pointer, string what) : Exception($"{pointer}: {what}")
{
    public string Pointer { get; } = pointer;

    public string What { get; } = what;
}
