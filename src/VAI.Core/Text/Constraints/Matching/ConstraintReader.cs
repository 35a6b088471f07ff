using System.Text.Json;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>Follows a text with a <see cref="Matcher"/>, and notes the keys that objects have.</summary>
internal sealed class ConstraintReader(Matcher matcher)
{
    // What stands for a token that is no text: no key has it.
    private const byte NoText = 0xFF;

    private readonly List<byte> _text = [];

    /// <summary>What follows it.</summary>
    public Matcher Matcher { get; private set; } = matcher;

    /// <summary>Where the text is.</summary>
    public MatchState State { get; private set; } = matcher.Start;

    /// <summary>Takes bytes. False where they may not come: then it is where it was before the first that may not.</summary>
    public bool Take(ReadOnlySpan<byte> bytes)
    {
        foreach (byte next in bytes)
        {
            if (Matcher.Step(State, next) is not { } state)
                return false;
            _text.Add(next);
            State = state.HasUnrecorded ? Matcher.Record(state, next == '"' ? LastString() : LastWord(1)) : state;
        }

        return true;
    }

    /// <summary>Takes a control token.</summary>
    public bool TakeToken(int token)
    {
        if (Matcher.StepToken(State, token) is not { } state)
            return false;
        State = state.HasUnrecorded ? Matcher.Record(state, LastWord(0)) : state;
        _text.Add(NoText);
        return true;
    }

    /// <summary>Goes on with a new matcher, which knows nothing but where the text is: that may be deep by itself.</summary>
    /// <param name="grammar">The matcher's.</param>
    /// <param name="least">How much memory it may take at least.</param>
    /// <returns>How much it may take.</returns>
    public long Renew(Grammar grammar, long least)
    {
        var other = new Matcher(grammar);
        (Matcher, State) = (other, other.Adopt(State));
        return Math.Max(least, 2 * other.Bytes);
    }

    // The key that stands before some bytes: those that no schema names are plain words, where they are no JSON strings.
    private string LastWord(int behind)
    {
        int end = _text.Count - behind, start = end;
        while (start > 0 && PlainKeys.Has((char)_text[start - 1]))
            start--;
        return System.Text.Encoding.ASCII.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_text)[start..end]);
    }

    // The JSON string that ends here. Within it each quotation mark has a backslash that is none's own.
    private string LastString()
    {
        int start = _text.Count - 2;
        while (_text[start] != '"' || IsEscaped(start))
            start--;
        var reader = new Utf8JsonReader(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_text)[start..]);
        reader.Read();
        return reader.GetString()!;
    }

    private bool IsEscaped(int at)
    {
        int before = at;
        while (before > 0 && _text[before - 1] == '\\')
            before--;
        return (at - before) % 2 == 1;
    }
}
