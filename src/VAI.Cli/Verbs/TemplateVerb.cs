using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VAI.Daemon.Hosting.Configuration;
using VAI.Text.Chat;

namespace VAI.Cli.Verbs;

/// <summary>Shows what a model's chat template makes of a conversation, and what will go wrong with it.</summary>
internal static class TemplateVerb
{
    private const string Example = """
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}], "add_generation_prompt": true}
        """;

    private static readonly Argument<string> Model = Common.File("MODEL", "A GGUF file, or a file with a chat template (Jinja) alone.");
    private static readonly Option<string?> ContextFile =
        Common.Value<string?>("--context", "FILE", "A file of JSON: the names that the template is given, as messages and add_generation_prompt. Without it, a small conversation.");

    private static readonly Option<string[]> Set =
        Common.Value<string[]>("--set", "NAME=VALUE", "Gives a name a value, as enable_thinking=false: JSON, or a text where it is none. May be repeated.");

    private static readonly Option<string?> Named = new("--name") { Description = "Another template of the file, as tool_use.", HelpName = "NAME" };
    private static readonly Option<DateTimeOffset?> Time = new("--time") { Description = "The time that the template writes; now if not given.", HelpName = "TIME" };
    private static readonly Option<bool> Raw = new("--raw") { Description = "Print the prompt alone, as it is." };

    public static Command Create()
    {
        var command = new Command("template", "Render a model's chat template, and show what in the prompt is whose. No model is loaded.")
        {
            Model, ContextFile, Set, Named, Time, Raw,
        };
        command.Does(RunAsync);
        command.Subcommands.Add(TemplateCheckVerb.Create());
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string file = parsed.GetRequiredValue(Model);
        ChatTemplate template = Read(file, parsed.GetValue(Named), out bool own);
        ChatPrompt prompt = template.Render(Context(parsed), parsed.GetValue(Time));
        if (parsed.GetValue(Raw))
        {
            Console.Out.Write(prompt.Text);
            return Failure.Ok;
        }

        using FileVocabulary? vocabulary = IsTemplate(file) ? null : FileVocabulary.Open(file);
        IReadOnlyList<(int Id, string Text)>? tokens = vocabulary is null ? null : await vocabulary.TokensAsync(prompt, cancellation);
        return Documents.Answer(
            parsed, Document(prompt, template.Traits, tokens, own), Documents.Default.TemplateDocument,
            _ => Print(prompt, template, tokens, own));
    }

    /// <summary>The template of a model's file, or of a file of its own.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">Another of the model's file; null for its own.</param>
    /// <param name="own">Whether the file has one; else it is ChatML.</param>
    public static ChatTemplate Read(string file, string? name, out bool own)
    {
        own = true;
        if (IsTemplate(file))
            return ChatTemplate.Parse(TemplateText.Of(file), "<s>", "</s>");
        ModelInfo info = Vai.Inspect(file);
        string? text = name is null ? info.ChatTemplate : info.NamedChatTemplates?.GetValueOrDefault(name) ?? throw new VaiUsageException(
            VaiError.InvalidOption, $"'{file}' has no chat template '{name}'. It has {string.Join(", ", info.NamedChatTemplates?.Keys ?? ["none with a name"])}.");
        own = text is not null;
        return ChatTemplate.Parse(text ?? ChatTemplate.ChatMl, info.BosToken ?? "", info.EosToken ?? "");
    }

    // One that is called a model's file is none, though it may be empty or broken.
    private static bool IsTemplate(string file) => File.Exists(file) && !file.EndsWith(".gguf", StringComparison.Ordinal) && !IsGguf(file);

    private static bool IsGguf(string file)
    {
        try
        {
            Span<byte> magic = stackalloc byte[4];
            using FileStream stream = File.OpenRead(file);
            return stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("GGUF"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"'{file}' cannot be read: {e.Message}", e);
        }
    }

    private static JsonElement Context(ParseResult parsed)
    {
        string text = parsed.GetValue(ContextFile) is { } file ? TemplateText.Of(file) : Example;
        JsonObject context;
        try
        {
            context = JsonNode.Parse(text) as JsonObject ?? throw new JsonException("it is no object");
        }
        catch (JsonException e)
        {
            throw new VaiUsageException(VaiError.InvalidOption, $"What the template is given is no JSON of an object: {e.Message}", e);
        }

        foreach (string set in parsed.GetValue(Set) ?? [])
        {
            int at = set.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw new VaiUsageException(VaiError.InvalidOption, $"'{set}' is no NAME=VALUE.");
            context[set[..at]] = Value(set[(at + 1)..]);
        }

        using JsonDocument document = JsonDocument.Parse(context.ToJsonString());
        return document.RootElement.Clone();
    }

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    private static void Print(ChatPrompt prompt, ChatTemplate template, IReadOnlyList<(int Id, string Text)>? tokens, bool own)
    {
        if (!own)
            Console.Out.WriteLine("The file has no chat template: this is ChatML.\n");
        foreach (PromptSegment segment in prompt.Segments)
            Console.Out.WriteLine($"{(segment.IsCallers ? "caller  " : "template")}  {Shown(segment.Text)}");
        Console.Out.WriteLine();
        if (tokens is not null)
            Console.Out.WriteLine($"{tokens.Count} tokens: {string.Join(' ', tokens.Select(t => $"{t.Id}={Shown(t.Text)}"))}\n");
        Format.Rows([.. TemplateCheckVerb.Rows(template.Traits)]);
    }

    private static string Shown(string text) => JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

    private static TemplateDocument Document(ChatPrompt prompt, ChatTemplateTraits traits, IReadOnlyList<(int Id, string Text)>? tokens, bool own) => new(
        prompt.Text, own, [.. prompt.Segments.Select(s => new TemplateSegmentBody(s.IsCallers ? "caller" : "template", s.Text))],
        tokens?.Select(t => new TemplateTokenBody(t.Id, t.Text)).ToList(), traits);
}
