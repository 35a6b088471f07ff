using System.Text;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>The calls of tools that a request's answers have.</summary>
internal sealed class AnswerCalls(Generation generation, int answers)
{
    private readonly ToolCallReader?[] _readers = new ToolCallReader?[answers];
    private readonly List<ToolCallPart>?[] _calls = new List<ToolCallPart>?[answers];
    private readonly (ToolCallUpdate Begun, StringBuilder Arguments)?[] _open = new (ToolCallUpdate, StringBuilder)?[answers];
    private readonly bool[] _called = new bool[answers];

    /// <summary>All of an answer, with one that was cut, as a stream has it.</summary>
    public IReadOnlyList<ToolCallPart> Of(int choice)
    {
        List<ToolCallPart> calls = _calls[choice] ?? [];
        return _open[choice] is { Begun: { Name: { } name } begun } open ? [.. calls, new ToolCallPart(name, $"{open.Arguments}", begun.Id)] : calls;
    }

    /// <summary>Whether an answer has begun one.</summary>
    public bool Called(int choice) => _called[choice];

    /// <summary>Takes a piece of an answer that is given as a whole.</summary>
    public void Collect(int choice, string text)
    {
        foreach (ToolCallUpdate update in Reader(choice).Read(text))
        {
            if (update.Name is not null)
                _open[choice] = (update, new StringBuilder());
            _open[choice]?.Arguments.Append(update.Arguments);
            if (update.Call is not { } call)
                continue;
            (_calls[choice] ??= []).Add(call);
            _open[choice] = null;
        }
    }

    /// <summary>Takes a piece of one that is streamed, and gives what is known now.</summary>
    public IReadOnlyList<ToolCallUpdate> Read(int choice, string text)
    {
        IReadOnlyList<ToolCallUpdate> updates = Reader(choice).Read(text);
        _called[choice] |= updates.Count > 0;
        return updates;
    }

    private ToolCallReader Reader(int choice) => _readers[choice] ??= new ToolCallReader(generation.Options.Constraint!);
}
