using VAI.Forge;

namespace VAI.Cli.Verbs;

internal static class ForgeVerb
{
    private static readonly Argument<string?> Shape = new("SHAPE")
    {
        Description = "The model whose shape the file gets, see --list; or 'reciter', a model that answers with a text of yours.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string?> Out = new("OUT.gguf")
    {
        Description = "The file to write.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<ulong> Seed = Common.Number<ulong>("--seed", "The weights follow from it.", 1);

    private static readonly Option<string> Type = Types();
    private static readonly Option<string> Vocabulary =
        Common.Value<string>("--vocab", "FILE.gguf", "A GGUF file whose tokenizer is copied.");

    private static readonly Option<int> Split = Common.Number("--split", "Files to write it into, as llama.cpp's gguf-split: OUT-00001-of-0000N.gguf and so on.", 1);
    private static readonly Option<bool> Force = new("--force") { Description = "Replace the file if it exists." };
    private static readonly Option<bool> List = new("--list") { Description = "List the shapes." };

    public static Command Create()
    {
        var command = new Command("forge", "Make a random-weight GGUF file of a real model's shape.")
        {
            Shape, Out, Seed, Type, Vocabulary, Split, Force, List,
        };
        ForgeReciter.AddTo(command, Shape, [Type, Vocabulary, Split]);
        command.Validators.Add(result =>
        {
            bool shape = !string.IsNullOrEmpty(result.GetValue(Shape)), file = !string.IsNullOrEmpty(result.GetValue(Out));
            if (!result.GetValue(List) && shape != file)
                result.AddError("Give both a shape and a file to write, or --list.");
        });
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        bool json = parsed.GetValue(Common.Json);
        if (parsed.GetValue(List) || string.IsNullOrEmpty(parsed.GetValue(Shape)))
            return ListShapes(json);
        if (parsed.GetValue(Shape) == ForgeReciter.Name)
            return await ForgeReciter.RunAsync(parsed, parsed.GetValue(Out)!, parsed.GetValue(Seed), parsed.GetValue(Force), cancellation);
        var options = new ForgeOptions
        {
            Seed = parsed.GetValue(Seed),
            Type = parsed.GetValue(Type) is { } type ? Enum.Parse<ForgeType>(type, ignoreCase: true) : null,
            VocabularyFile = parsed.GetValue(Vocabulary),
            Parts = parsed.GetValue(Split),
            Overwrite = parsed.GetValue(Force),
        };
        string shape = parsed.GetValue(Shape)!, file = parsed.GetValue(Out)!;
        ForgeResult r = await Bar.RunAsync($"forging {shape}", report => ModelForge.ForgeAsync(
            shape,
            file,
            options,
            new Report<ForgeProgress>(p => report($"forging {shape}", (double)p.BytesWritten / Math.Max(1, p.TotalBytes))),
            cancellation));
        var document = new ForgeDocument(
            r.File, r.Shape, Name(r.Type), options.Seed, r.Bytes, r.Parameters, r.Tensors, r.VocabularySize, Format.Ms(r.Elapsed));
        if (json)
            Documents.Print(document, Documents.Default.ForgeDocument);
        else
            Console.Out.WriteLine($"{r.File}  {r.Shape} {document.Type}, {Format.Bytes(r.Bytes)}, {r.Elapsed.TotalSeconds:F1} s");
        return Failure.Ok;
    }

    private static int ListShapes(bool json)
    {
        if (json)
        {
            Documents.Print(
                new ShapesDocument([.. ModelForge.Shapes.Select(s => new ShapeBody(
                    s.Name, s.Aliases, s.Architecture, Name(s.DefaultType), s.VocabularySize, s.ApproximateBytes, s.Description))]),
                Documents.Default.ShapesDocument);
            return Failure.Ok;
        }

        Console.Out.WriteLine("vai forge SHAPE OUT.gguf, where SHAPE is one of:");
        Format.Rows([.. ModelForge.Shapes.Select(s => (
            $"  {s.Name}", (object?)$"{Format.Bytes(s.ApproximateBytes),10}  {s.Description}"))]);
        Console.Out.WriteLine("vai forge reciter OUT.gguf --script FILE makes a model that answers with the file's text.");
        return Failure.Ok;
    }

    private static Option<string> Types()
    {
        var option = new Option<string>("--type") { Description = "How matrices are stored; the shape's own if not given." };
        option.AcceptOnlyFromAmong([.. Enum.GetValues<ForgeType>().Select(Name)]);
        return option;
    }

    private static string Name(ForgeType type) => type.ToString().ToLowerInvariant();
}
