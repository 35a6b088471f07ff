using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using VAI.Remote;

namespace VAI.Cli.Verbs.Serving;

internal static class ChatVerb
{
    public const string Name = "chat";

    private static readonly InferenceOptions Defaults = new();
    private static readonly Argument<string> Model = Common.File("NAME", "A model that the daemon has loaded.");
    private static readonly Option<string?> SystemText = new("--system") { Description = "What the model is told before the conversation.", HelpName = "TEXT" };
    private static readonly Option<int> Tokens = Common.Number("--tokens", "Most tokens of an answer.", 1024);
    private static readonly Option<float> Temperature = Common.Number("--temp", "0 for always the most likely token.", Defaults.Temperature);
    private static readonly Option<uint?> Seed = new("--seed") { Description = "The sampler's seed; drawn for each answer if not given.", HelpName = "N" };

    private static readonly Option<bool?> Thinking = new("--thinking") { Description = "Whether a model that can think does: true or false.", HelpName = "BOOL" };
    private static readonly Option<string?> Effort = new("--effort") { Description = "How much it thinks, in the words of its template, as low or high.", HelpName = "WORD" };
    private static readonly Option<int?> Budget = new("--thinking-budget") { Description = "Most tokens of thought: then it answers.", HelpName = "N" };

    private static readonly Option<FileInfo?> Tools =
        Common.Value<FileInfo?>("--tools", "FILE", "A file with the tools that the model may call, a JSON array of OpenAI's form. A call is shown, and the next line is its result; an empty one says that it failed.");

    public static Command Create()
    {
        var command = new Command(
            Name, "Talk to a model of the daemon: a line from standard input, an answer. /switch NAME goes on with another model, /reset forgets, /quit ends; Ctrl+C stops an answer.")
        {
            Model, SystemText, Tokens, Temperature, Seed, Thinking, Effort, Budget, Tools, Common.ChatTemplate, Daemon.Socket,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        bool json = parsed.GetValue(Common.Json);
        using ILoggerFactory? log = Common.Log(parsed);
        await using RemoteVai vai = Daemon.Connect(parsed, log, resumes: true);
        await vai.RefreshAsync(cancellation);
        await using var conversation = new Conversation(parsed.GetValue(SystemText));
        var chat = new Chat(
            vai,
            conversation,
            new InferenceOptions
            {
                MaxTokens = parsed.GetValue(Tokens),
                Temperature = parsed.GetValue(Temperature),
                Seed = parsed.GetValue(Seed),
                ReasoningBudget = parsed.GetValue(Budget),
            },
            new ChatRenderOptions
            {
                EnableThinking = parsed.GetValue(Thinking),
                ReasoningEffort = parsed.GetValue(Effort),
                Template = Common.Template(parsed),
                Tools = parsed.GetValue(Tools) is { } tools ? ToolsFile.Read(tools) : null,
            },
            parsed.GetRequiredValue(Model),
            json);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = chat.Interrupt());
        await chat.RunAsync();
        if (json)
            Documents.Print(new ChatDocument(chat.Answers), Documents.Default.ChatDocument);
        return Failure.Ok;
    }
}
