using System.Text.Encodings.Web;
using VAI.Cli.Verbs;

namespace VAI.Cli;

/// <summary>
/// The loop of <c>vai chat</c>. Answers go to standard output and nothing else does; to a terminal an error is one of many lines,
/// in a script it is the end.
/// </summary>
internal sealed class Chat(IVai vai, Conversation conversation, InferenceOptions options, ChatRenderOptions rendering, string name, bool json)
{
    // What a call came to that the user gives no result for.
    private const string Failed = "The call failed.";

    private readonly bool _terminal = !Console.IsInputRedirected;
    private readonly Lock _gate = new();
    private CancellationTokenSource? _answering;
    private IModelContext _model = vai.Select(name);

    /// <summary>What was answered, with <c>--json</c>.</summary>
    public List<ChatAnswerBody> Answers { get; } = [];

    public async Task RunAsync()
    {
        while (true)
        {
            if (_terminal)
                Console.Error.Write($"{_model.Name}> ");
            if (Console.In.ReadLine() is not { } line || line.Trim() == "/quit")
                return;
            try
            {
                if (line.StartsWith('/'))
                    await CommandAsync(line.Trim());
                else if (line.Trim().Length > 0)
                    await AnswerAsync(line);
            }
            catch (VaiException e) when (_terminal && e.Code != VaiError.DaemonUnavailable)
            {
                Console.Error.WriteLine(e.Message);
            }
        }
    }

    /// <summary>Stops the answer that is being given, if one is. From any thread.</summary>
    /// <returns>Whether the program goes on: a script that waits for its next line does not.</returns>
    public bool Interrupt()
    {
        lock (_gate)
        {
            if (_answering is not null)
                _answering.Cancel();
            else if (_terminal)
                Console.Error.Write($"\n/quit or Ctrl+D ends.\n{_model.Name}> ");
            return _answering is not null || _terminal;
        }
    }

    private async Task CommandAsync(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["/switch", { } to]:
                _model = vai.Select(to);
                break;
            case ["/reset"]:
                await conversation.ResetAsync();
                break;
            default:
                throw new VaiUsageException(
                    VaiError.InvalidOption, $"'{words[0]}' is no command here, or lacks its argument. There are /switch NAME, /reset and /quit.");
        }
    }

    // Until an answer calls no tools. What is not answered to its end was not said.
    private async Task AnswerAsync(string prompt)
    {
        int before = conversation.Count;
        bool answered = false;
        try
        {
            IReadOnlyList<ChatTurn>? said = [new ChatTurn("user", prompt)];
            while (said is not null)
            {
                IReadOnlyList<ToolCallPart>? calls = await AnswerAsync(said, string.Join('\n', said.Select(t => t.Parts is [ToolResultPart result] ? result.Content : t.Content)));
                answered = calls?.Count == 0;
                said = calls is { Count: > 0 } ? Results(calls) : null;
            }
        }
        finally
        {
            if (!answered)
                conversation.TakeBack(before);
        }
    }

    // A line for each call; null where there is none any more.
    private List<ChatTurn>? Results(IReadOnlyList<ToolCallPart> calls)
    {
        List<ChatTurn> results = [];
        foreach (ToolCallPart call in calls)
        {
            if (_terminal)
                Console.Error.Write($"{call.Name}> ");
            if (Console.In.ReadLine() is not { } line)
                return null;
            results.Add(new ChatTurn("tool", [new ToolResultPart(line.Trim().Length > 0 ? line : Failed, call.Id, call.Name)]));
        }

        return results;
    }

    // The calls of tools that the answer has; null where there is no answer.
    private async Task<IReadOnlyList<ToolCallPart>?> AnswerAsync(IReadOnlyList<ChatTurn> said, string prompt)
    {
        using var answering = new CancellationTokenSource();
        lock (_gate)
            _answering = answering;
        var answer = new SpokenAnswer(shows: !json, dims: true);
        InferenceResult? result = null;
        IReadOnlyList<ToolCallPart>? calls = null;
        try
        {
            (result, calls) = await conversation.AskAsync(_model, said, options, rendering, answer.Add, answering.Token);
        }
        catch (OperationCanceledException) when (answering.IsCancellationRequested)
        {
            // Stopped before its first character.
        }
        finally
        {
            lock (_gate)
                _answering = null;
            if (!json && answer.Text.Length > 0 && !(calls is { Count: > 0 } && answer.Text.EndsWith('\n')))
                Console.Out.WriteLine();
        }

        if (json)
        {
            Answers.Add(Body(prompt, answer, [.. (calls ?? []).Select(c => new ChatCallBody(c.Name, c.Arguments))], result));
            return calls;
        }

        foreach (ToolCallPart call in calls ?? [])
            Console.Out.WriteLine($"{call.Name}({call.Arguments})");
        Console.Error.WriteLine(Cost(result));
        return calls;
    }

    private ChatAnswerBody Body(string prompt, SpokenAnswer answer, IReadOnlyList<ChatCallBody> calls, InferenceResult? r) => r is null
        ? new ChatAnswerBody(_model.Name, prompt, answer.Text, answer.Thought, calls, 0, 0, 0, null, 0, 0, 0, "stopped", null)
        : new ChatAnswerBody(
            _model.Name, prompt, answer.Text, answer.Thought, calls, r.GeneratedTokens, r.PromptTokens, r.ReusedTokens, r.ReuseBreak?.Before,
            Format.Ms(r.FirstTokenTime), Format.Ms(r.TotalTime), Format.Number(r.TokensPerSecond), RunVerb.Finish(r), r.Seed);

    private static string Cost(InferenceResult? r) => r is null
        ? "stopped"
        : $"{r.GeneratedTokens} tokens  first={r.FirstTokenTime.TotalMilliseconds:F1} ms  total={r.TotalTime.TotalMilliseconds:F1} ms  "
            + $"{r.TokensPerSecond:F1} tok/s  reused={r.ReusedTokens}{Until(r.ReuseBreak)}  finish={RunVerb.Finish(r)}";

    // Where the history is written otherwise than it was computed; on one line, and nothing in it that a terminal obeys.
    private static string Until(ReuseBreak? broke) => broke is { Before: { } before, After: { } after }
        ? $" until \"{Line(before)}\", new from \"{Line(after)}\""
        : "";

    private static string Line(string text) => JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text);
}
