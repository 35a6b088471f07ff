namespace VAI.Daemon.OpenAi.Responses;

/// <summary>The calls of tools that a request's answers have.</summary>
internal sealed class AnswerCalls(Generation generation, int answers)
{
    private readonly ToolCallReader?[] _readers = new ToolCallReader?[answers];
    private readonly List<ToolCallPart>?[] _calls = new List<ToolCallPart>?[answers];
    private readonly bool[] _called = new bool[answers];

    /// <summary>All of an answer that are whole.</summary>
    public IReadOnlyList<ToolCallPart> Of(int choice) => _calls[choice] ?? (IReadOnlyList<ToolCallPart>)[];

    /// <summary>Whether an answer has begun one.</summary>
    public bool Called(int choice) => _called[choice];

    /// <summary>Takes a piece of an answer that is given as a whole.</summary>
    public void Collect(int choice, string text) => (_calls[choice] ??= []).AddRange(Reader(choice).Append(text));

    /// <summary>Takes a piece of one that is streamed, and gives what is known now.</summary>
    public IReadOnlyList<ToolCallUpdate> Read(int choice, string text)
    {
        IReadOnlyList<ToolCallUpdate> updates = Reader(choice).Read(text);
        _called[choice] |= updates.Count > 0;
        return updates;
    }

    private ToolCallReader Reader(int choice) => _readers[choice] ??= new ToolCallReader(generation.Options.Constraint!);
}
