using VAI.Forge;

namespace VAI.Cli.Verbs;

/// <summary><c>vai forge reciter</c>: a model that answers with a given text.</summary>
internal static class ForgeReciter
{
    public const string Name = "reciter";

    private static readonly Option<string?> Script =
        Common.Value<string?>("--script", "FILE", "Reciter: the file with its answer. A line '--- after MARKER' begins another, which answers prompts that have MARKER in them.");

    private static readonly Option<string?> Template =
        Common.Value<string?>("--template", "FILE", "Reciter: a file with its chat template (Jinja); ChatML's if not given.");

    private static readonly Option<string[]> Control =
        Common.Value<string[]>("--control", "TOKEN", "Reciter: a control token; once for each. ChatML's if not given.");

    private static readonly Option<string[]> Text =
        Common.Value<string[]>("--token", "TOKEN", "Reciter: a text that is a token of its own; once for each. Those of Qwen's thoughts and tool calls if not given.");

    private static readonly Option<string?> Begin =
        Common.Value<string?>("--begin", "TOKEN", "Reciter: the control token before every prompt; none if not given.");

    private static readonly Option<string?> End =
        Common.Value<string?>("--end", "TOKEN", "Reciter: the control token that ends every answer; <|im_end|> if not given.");

    private static readonly Option<int?> Piece =
        Common.Number<int?>("--piece", "Reciter: the longest piece of text that is one token, in bytes; 4 if not given.");

    private static readonly Option[] All = [Script, Template, Control, Text, Begin, End, Piece];

    /// <param name="command">The verb.</param>
    /// <param name="shape">What is to be forged.</param>
    /// <param name="others">Options that a reciter does not take.</param>
    public static void AddTo(Command command, Argument<string?> shape, Option[] others)
    {
        foreach (Option option in All)
            command.Add(option);
        command.Validators.Add(result =>
        {
            bool reciter = result.GetValue(shape) == Name;
            if (reciter && string.IsNullOrEmpty(result.GetValue(Script)))
                result.AddError("A reciter needs a --script: the file with its answer.");
            foreach (Option option in reciter ? others : All)
            {
                if (result.GetResult(option) is { Implicit: false })
                    result.AddError(reciter ? $"A reciter takes no {option.Name}." : $"{option.Name} is for a reciter only.");
            }
        });
    }

    public static async Task<int> RunAsync(ParseResult parsed, string file, ulong seed, bool overwrite, CancellationToken cancellation)
    {
        var given = new ReciterOptions { Scripts = ReciterScript.Parse(await ReadAsync(parsed.GetValue(Script)!, cancellation)) };
        var options = new ReciterOptions
        {
            Scripts = given.Scripts,
            Template = parsed.GetValue(Template) is { } template ? await ReadAsync(template, cancellation) : null,
            ControlTokens = parsed.GetValue(Control) is { Length: > 0 } control ? control : given.ControlTokens,
            TextTokens = parsed.GetValue(Text) is { Length: > 0 } text ? text : given.TextTokens,
            BeginToken = parsed.GetValue(Begin),
            EndToken = parsed.GetValue(End) ?? given.EndToken,
            PieceBytes = parsed.GetValue(Piece) ?? given.PieceBytes,
            Seed = seed,
            Overwrite = overwrite,
        };
        ReciterResult r = await ModelForge.ForgeReciterAsync(file, options, cancellation);
        int[] tokens = [.. r.Scripts.Select(s => s.Count)];
        return Documents.Answer(
            parsed, new ReciterDocument(r.File, seed, r.Bytes, r.VocabularySize, tokens), Documents.Default.ReciterDocument,
            _ => Console.Out.WriteLine($"{r.File}  {Name}, {Format.Bytes(r.Bytes)}, recites {string.Join(", ", tokens)} tokens"));
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellation);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"'{file}' cannot be read: {failure.Message}", failure);
        }
    }
}
