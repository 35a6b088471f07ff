namespace VAI.Text.Tools.Reading;

/// <summary>Reads the arguments of calls, one after the other.</summary>
internal interface IArgumentReader
{
    /// <summary>Begins those of a call.</summary>
    void Begin(string tool);

    /// <summary>Takes what of a piece is the arguments'.</summary>
    /// <param name="text">A piece, not empty.</param>
    /// <param name="sink">Is told of what is certain.</param>
    /// <param name="used">How much of it is the arguments'.</param>
    ReadState Take(ReadOnlySpan<char> text, ICallSink sink, out int used);
}

/// <summary>How far something is read.</summary>
internal enum ReadState
{
    More,
    Whole,

    /// <summary>It is none of what was to come.</summary>
    None,
}
