namespace VAI.Text.Tools.Reading;

/// <summary>Arguments that are JSON, as they stand.</summary>
internal sealed class JsonReader : IArgumentReader
{
    private JsonSpan _span;
    private bool _begun;

    public void Begin(string tool) => (_span, _begun) = (default, false);

    public ReadState Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        used = 0;
        if (!_begun)
        {
            while (used < text.Length && char.IsWhiteSpace(text[used]))
                used++;
            if (used == text.Length)
                return ReadState.More;
            if (text[used] != '{')
                return ReadState.None;
            _begun = true;
        }

        bool whole = _span.Take(text[used..], out int length);
        sink.Arguments(text.Slice(used, length));
        used += length;
        return whole ? ReadState.Whole : ReadState.More;
    }
}
