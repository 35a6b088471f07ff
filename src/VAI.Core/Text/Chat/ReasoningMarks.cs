namespace VAI.Text.Chat;

/// <summary>Finds the marks around a model's thoughts, by how its template writes some, or by those that its template names.</summary>
internal static class ReasoningMarks
{
    // A mark is a tag; longer ones are none.
    private const int MostChars = 64;

    // Of published models. The first whose closing mark stands in the template is the model's.
    private static readonly ReasoningFormat[] Known =
    [
        new("<think>", "</think>"),
        new("[THINK]", "[/THINK]"),
        new("<seed:think>", "</seed:think>"),
        new("<|START_THINKING|>", "<|END_THINKING|>"),
        new("<|channel>thought\n", "<channel|>"),
        new("<|channel|>analysis<|message|>", "<|end|>") { Answer = "<|start|>assistant<|channel|>final<|message|>" },
        new("<|inner_prefix|>", "<|inner_suffix|>"),
        new("<thinking>", "</thinking>"),
        new("<thought>", "</thought>"),
        new("<reasoning>", "</reasoning>"),
    ];

    /// <param name="source">The template.</param>
    /// <param name="rendered">A conversation whose last turn has the thought and the answer; null where none is written.</param>
    /// <param name="thought">The thought.</param>
    /// <param name="answer">The answer.</param>
    public static ReasoningFormat? Find(string source, string? rendered, string thought, string answer)
    {
        foreach (ReasoningFormat format in Known)
        {
            if (source.Contains(format.Close, StringComparison.Ordinal) && source.Contains(format.Open.TrimEnd(), StringComparison.Ordinal))
                return format;
        }

        return rendered is null ? null : Around(rendered, thought, answer);
    }

    // The tag that ends before the thought, and the one that begins behind it.
    private static ReasoningFormat? Around(string rendered, string thought, string answer)
    {
        int at = rendered.LastIndexOf(thought, StringComparison.Ordinal);
        ReadOnlySpan<char> before = rendered.AsSpan(0, at).TrimEnd(), behind = rendered.AsSpan(at + thought.Length).TrimStart();
        if (behind.IndexOf(answer) is >= 0 and int end)
            behind = behind[..end];
        string? open = TagAtEnd(before), close = TagAtStart(behind);
        return open is null || close is null || open == close ? null : new ReasoningFormat(open, close);
    }

    private static string? TagAtEnd(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[^1] is not ('>' or ']'))
            return null;
        int start = text.LastIndexOf(text[^1] == '>' ? '<' : '[');
        return start >= 0 && text.Length - start <= MostChars ? text[start..].ToString() : null;
    }

    private static string? TagAtStart(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] is not ('<' or '['))
            return null;
        int end = text.IndexOf(text[0] == '<' ? '>' : ']');
        return end >= 0 && end < MostChars ? text[..(end + 1)].ToString() : null;
    }
}
