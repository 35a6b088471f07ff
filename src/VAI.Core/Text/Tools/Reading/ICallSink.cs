namespace VAI.Text.Tools.Reading;

/// <summary>Is told of calls as they are read.</summary>
internal interface ICallSink
{
    /// <summary>A call begins.</summary>
    /// <param name="name">The tool's name.</param>
    /// <param name="id">The id that the model gives it before its arguments; null for none.</param>
    void Begin(string name, string? id);

    /// <summary>Its arguments go on: JSON.</summary>
    void Arguments(ReadOnlySpan<char> json);

    /// <summary>It is whole.</summary>
    /// <param name="id">The id that the model gives it at its end; null for none.</param>
    void End(string? id);

    /// <summary>It comes to nothing.</summary>
    void Drop();
}
