using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting.Configuration;

namespace VAI.Cli.Verbs;

internal static class RunVerb
{
    private static readonly InferenceOptions Defaults = new();
    private static readonly Argument<string> Model = Common.File("MODEL", "A GGUF file, or the name of a ROM.");
    private static readonly Option<string> Prompt = new("-p", "--prompt") { Description = "The prompt.", HelpName = "TEXT", Required = true };
    private static readonly Option<int> Tokens = Common.Number("-n", "Most tokens to generate.", 256);
    private static readonly Option<float> Temperature = Common.Number("--temp", "0 for always the most likely token.", Defaults.Temperature);
    private static readonly Option<uint?> Seed = new("--seed") { Description = "The sampler's seed; drawn if not given.", HelpName = "S" };
    private static readonly Option<int> TopK = Common.Number("--top-k", "Only the K most likely tokens; 0 for all.", Defaults.TopK);
    private static readonly Option<float> TopP = Common.Number("--top-p", "Only the most likely tokens that together have this probability.", Defaults.TopP);
    private static readonly Option<float> MinP = Common.Number("--min-p", "Only tokens at least this many times as likely as the most likely.", Defaults.MinP);
    private static readonly Option<string[]> Stop = new("--stop") { Description = "A text that ends the generation; may be repeated.", HelpName = "TEXT" };

    private static readonly Option<FileInfo?> JsonSchema = new("--json-schema") { Description = "A file with a JSON schema, which the answer fits.", HelpName = "FILE" };
    private static readonly Option<string?> Regex = new("--regex") { Description = "A regular expression that the answer matches as a whole.", HelpName = "PATTERN" };

    private static readonly Option<FileInfo?> Grammar = new("--grammar") { Description = "A file with a grammar in llama.cpp's GBNF, of which the answer is a text.", HelpName = "FILE" };

    private static readonly Option<bool> FastForward = new("--fast-forward") { Description = "Writes at once what the schema, or the pattern, leaves no choice about." };

    private static readonly Option<string?> Template = Common.Value<string?>(
        "--chat-template",
        "FILE|NAME",
        "Takes the prompt as what a user says, as this puts it: a file with a chat template (Jinja), or the name of another that the model's file has. "
        + "Without it the model goes on with the prompt as it is.");

    public static Command Create()
    {
        var command = new Command("run", "Load a model and answer one prompt.")
        {
            Model, Prompt, Tokens, Temperature, Seed, TopK, TopP, MinP, Stop, JsonSchema, Regex, Grammar, FastForward, Common.GpuLayers, Common.Device, Common.Vram, Common.Threads, Common.FixedThreads, Common.Share, Common.Nice,
            Common.BatchScheduling, Common.Context, Common.LoadProfile, Template, Common.RomDirectory,
        };
        command.Validators.Add(parsed =>
        {
            Option[] given = [.. new Option[] { JsonSchema, Regex, Grammar }.Where(o => parsed.GetResult(o) is not null)];
            if (given.Length > 1)
                parsed.AddError($"{given[0].Name} and {given[1].Name} both say what the answer is. Give one.");
        });
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        bool json = parsed.GetValue(Common.Json);
        string file = parsed.GetRequiredValue(Model);
        string name = file.EndsWith(".gguf", StringComparison.Ordinal) ? Bench.BenchModel.FromFiles(file, file).First.Name : Path.GetFileName(file);
        using ILoggerFactory? log = Common.Log(parsed);
        VaiOptions engine = Common.RomOptions(parsed);
        engine.Threads = parsed.GetValue(Common.Threads);
        engine.FixedThreads = parsed.GetValue(Common.FixedThreads);
        engine.Share = parsed.GetValue(Common.Share) ?? 1;
        engine.Nice = parsed.GetValue(Common.Nice) ?? 0;
        engine.VramLimit = parsed.GetValue(Common.Vram);
        engine.BatchScheduling = parsed.GetValue(Common.BatchScheduling);
        await using IVai vai = Vai.Create(engine, log);
        var options = new ModelOptions
        {
            Name = name,
            File = file,
            ContextLength = parsed.GetValue(Common.Context),
            MaxSessions = 1,
            Profile = parsed.GetValue(Common.LoadProfile),
            ChatTemplate = parsed.GetValue(Template) is { } template ? TemplateText.Of(template) : null,
        };
        Common.Place(options, parsed);
        ModelHandle handle = await Bar.RunAsync($"loading {name}", async report => await vai.LoadAsync(
            options,
            new Report<LoadProgress>(p => report($"{(p.Phase == LoadPhase.Burning ? "burning" : "loading")} {name}", p.Fraction)),
            cancellation));
        IModelContext model = vai.Select(handle);
        await using IInferenceSession session = model.OpenSession();
        var answer = new SpokenAnswer(shows: !json, dims: false);
        InferenceResult? result = null;
        await foreach (InferenceUpdate update in await AnswerAsync(session, parsed, cancellation))
        {
            result = update.Result ?? result;
            answer.Add(update.Text, update.Kind);
        }

        InferenceResult r = result!;
        if (json)
        {
            Documents.Print(Document(answer, model, r), Documents.Default.RunDocument);
            return Failure.Ok;
        }

        Console.Out.WriteLine();
        Console.Error.WriteLine(
            $"{r.GeneratedTokens} tokens  first={r.FirstTokenTime.TotalMilliseconds:F1} ms  "
            + $"total={r.TotalTime.TotalMilliseconds:F1} ms  {r.TokensPerSecond:F1} tok/s  seed={r.Seed}  finish={Finish(r)}");
        return Failure.Ok;
    }

    private static async Task<IAsyncEnumerable<InferenceUpdate>> AnswerAsync(IInferenceSession session, ParseResult parsed, CancellationToken cancellation)
    {
        string prompt = parsed.GetRequiredValue(Prompt);
        return parsed.GetValue(Template) is null
            ? session.InferAsync(prompt, Options(parsed), cancellation)
            : session.InferAsync(await session.Model.RenderChatAsync([new ChatTurn("user", prompt)], cancellationToken: cancellation), Options(parsed), cancellation);
    }

    private static InferenceOptions Options(ParseResult parsed) => new()
    {
        MaxTokens = parsed.GetValue(Tokens),
        Temperature = parsed.GetValue(Temperature),
        Seed = parsed.GetValue(Seed),
        TopK = parsed.GetValue(TopK),
        TopP = parsed.GetValue(TopP),
        MinP = parsed.GetValue(MinP),
        Stop = parsed.GetValue(Stop) is { Length: > 0 } stop ? stop : null,
        Constraint = parsed.GetValue(JsonSchema) is { } schema ? Constraint.JsonSchema(Read(schema))
            : parsed.GetValue(Regex) is { } pattern ? Constraint.Regex(pattern)
            : parsed.GetValue(Grammar) is { } grammar ? Constraint.Gbnf(Read(grammar)) : null,
        FastForward = parsed.GetValue(FastForward),
    };

    private static string Read(FileInfo file)
    {
        try
        {
            return File.ReadAllText(file.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"'{file}' cannot be read ({e.Message}). Give a file that can.", e);
        }
    }

    private static RunDocument Document(SpokenAnswer answer, IModelContext model, InferenceResult r) => new(
        answer.Text, answer.Thought, r.GeneratedTokens, r.PromptTokens, Format.Ms(r.FirstTokenTime), Format.Ms(r.TotalTime),
        Format.Number(r.TokensPerSecond), Finish(r), model.Name, Format.Ms(model.LoadTime), r.Seed,
        r.SwitchClass.ToString().ToLowerInvariant());

    public static string Finish(InferenceResult result) => result.FinishReason switch
    {
        FinishReason.EndOfSequence => "eos",
        FinishReason.StopString => "stop",
        FinishReason.MaxTokens => "length",
        _ => "context",
    };
}
