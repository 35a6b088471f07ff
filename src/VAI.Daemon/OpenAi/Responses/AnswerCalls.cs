namespace VAI.Daemon.OpenAi.Responses;

/// <summary>The calls of tools that a request's answers have.</summary>
internal sealed class AnswerCalls(Generation generation, int answers)
{
    private readonly ToolCallReader?[] _readers = new ToolCallReader?[answers];
    private readonly List<ToolCallPart>?[] _calls = new List<ToolCallPart>?[answers];

    /// <summary>All of an answer so far.</summary>
    public IReadOnlyList<ToolCallPart> Of(int choice) => _calls[choice] ?? (IReadOnlyList<ToolCallPart>)[];

    /// <summary>Takes a piece, and gives the calls that are complete now, with their places.</summary>
    public IReadOnlyList<(int Index, ToolCallPart Call)> Read(int choice, string text)
    {
        List<ToolCallPart> calls = _calls[choice] ??= [];
        int before = calls.Count;
        calls.AddRange((_readers[choice] ??= new ToolCallReader(generation.Options.Constraint!)).Append(text));
        return [.. calls.Skip(before).Select((call, i) => (before + i, call))];
    }
}
