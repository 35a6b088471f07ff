using VAI.Text.Tools.Formats;

namespace VAI;

/// <summary>
/// A conversation as its model reads it, with whose each part of the text is: control tokens are read in the template's parts and nowhere else.
/// Immutable, thread-safe.
/// </summary>
public sealed class ChatPrompt
{
    private readonly Lazy<IReadOnlyList<PromptSegment>> _segments;

    internal ChatPrompt(string text, IReadOnlyList<int>? flips)
    {
        Text = text;
        Flips = flips ?? [];
        _segments = new(Split);
    }

    /// <summary>All of it, with control tokens written out.</summary>
    public string Text { get; }

    /// <summary>The parts in their order, no two of one origin beside each other.</summary>
    public IReadOnlyList<PromptSegment> Segments => _segments.Value;

    /// <summary>What was done to the conversation because the template would not have taken it as it was, in words; mostly nothing.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];

    /// <summary>How the model's thoughts are told from its answer; null where it has no marks for them.</summary>
    public ReasoningFormat? Reasoning { get; init; }

    /// <summary>Whether the prompt ends where thoughts have begun.</summary>
    public bool BeginsInReasoning { get; init; }

    /// <summary>How its model writes calls of tools; null where it was rendered without any.</summary>
    internal ToolFormat? ToolFormat { get; init; }

    /// <summary>Where the origin changes, ascending; what stands before the first is the template's.</summary>
    internal IReadOnlyList<int> Flips { get; }

    /// <summary>The text alone. Whose its parts are is lost: all its control tokens are then read as such.</summary>
    /// <param name="prompt">The prompt.</param>
    public static implicit operator string(ChatPrompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return prompt.Text;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>What is behind a place: for a session that holds what is before.</summary>
    internal ChatPrompt From(int start)
    {
        List<int> flips = [.. Flips.Where(f => f > start).Select(f => f - start)];
        if (Flips.Count(f => f <= start) % 2 == 1)
            flips.Insert(0, 0);
        return new ChatPrompt(Text[start..], flips) { Repairs = Repairs, Reasoning = Reasoning, BeginsInReasoning = BeginsInReasoning, ToolFormat = ToolFormat };
    }

    /// <summary>What is before a place.</summary>
    internal ChatPrompt Until(int end) => new(Text[..end], [.. Flips.TakeWhile(f => f < end)]) { Repairs = Repairs, Reasoning = Reasoning };

    /// <summary>The same, of which everything that comes is the answer, marks included.</summary>
    internal ChatPrompt WithoutReasoning() => new(Text, Flips) { Repairs = Repairs, ToolFormat = ToolFormat };

    /// <summary>Options for it: its marks of thoughts, where they name none.</summary>
    internal InferenceOptions Over(InferenceOptions? options)
    {
        options ??= new InferenceOptions();
        return options.Reasoning is null && Reasoning is not null
            ? options with { Reasoning = Reasoning, BeginsInReasoning = BeginsInReasoning } : options;
    }

    private List<PromptSegment> Split()
    {
        var segments = new List<PromptSegment>(Flips.Count + 1);
        int at = 0;
        bool callers = false;
        foreach (int flip in Flips)
        {
            if (flip > at)
                segments.Add(new PromptSegment(Text[at..flip], callers));
            (at, callers) = (flip, !callers);
        }

        if (at < Text.Length)
            segments.Add(new PromptSegment(Text[at..], callers));
        return segments;
    }
}

/// <summary>A part of a prompt.</summary>
/// <param name="Text">Its text.</param>
/// <param name="IsCallers">Whether the caller wrote it: what looks like a control token in it is text. Else the template did.</param>
public readonly record struct PromptSegment(string Text, bool IsCallers);
